"""Where elements are: of extreme value, in a sorted array."""

from __future__ import annotations

from operator import methodcaller
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel


@kernel(ops.argmax, binding="per_dtype")
def argmax(call: CallMeta) -> Any:
    return methodcaller("argmax", axis=call.attributes["axis"], keepdims=call.attributes["keepdims"])


@kernel(ops.argmin, binding="per_dtype")
def argmin(call: CallMeta) -> Any:
    return methodcaller("argmin", axis=call.attributes["axis"], keepdims=call.attributes["keepdims"])


@kernel(ops.searchsorted)
def searchsorted(call: CallMeta) -> Any:
    side = call.attributes["side"]

    def run(x1: Any, x2: Any, sorter: Any) -> Any:
        return np.searchsorted(x1, x2, side, None if sorter is None else sorter.astype(np.intp))

    return run
