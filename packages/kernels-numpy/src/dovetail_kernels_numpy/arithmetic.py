"""Arithmetic, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np
from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel


@kernel(ops.add, binding="per_dtype")
def add(call: CallMeta) -> Any:
    return np.add


@kernel(ops.subtract, binding="per_dtype")
def subtract(call: CallMeta) -> Any:
    return np.subtract


@kernel(ops.multiply, binding="per_dtype")
def multiply(call: CallMeta) -> Any:
    return np.multiply


@kernel(ops.negative, binding="per_dtype")
def negative(call: CallMeta) -> Any:
    return np.negative
