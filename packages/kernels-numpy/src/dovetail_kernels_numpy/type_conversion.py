"""Conversion of dtypes."""

from __future__ import annotations

from operator import methodcaller
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype


@kernel(ops.cast, binding="per_dtype")
def cast(call: CallMeta) -> Any:
    return methodcaller("astype", numpy_dtype(call.results[0].dtype))
