"""Order along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel


@kernel(ops.sort, binding="per_dtype")
def sort(call: CallMeta) -> Any:
    axis, descending = call.attributes["axis"], call.attributes["descending"]
    # Equal integers can't be told apart; zeros of both signs can.
    kind: Any = "stable" if call.attributes["stable"] and call.results[0].dtype.is_floating else "quicksort"

    def run(x: Any) -> Any:
        if not descending:
            return np.sort(x, axis, kind)
        # Reversed before and after: NumPy sorts upward only, and equal elements keep their order so.
        return np.flip(np.sort(np.flip(x, axis), axis, kind), axis)

    return run


@kernel(ops.argsort, binding="per_dtype")
def argsort(call: CallMeta) -> Any:
    axis, descending = call.attributes["axis"], call.attributes["descending"]
    kind: Any = "stable" if call.attributes["stable"] else "quicksort"

    def run(x: Any) -> Any:
        if not descending:
            return np.argsort(x, axis, kind)
        return np.flip(x.shape[axis] - 1 - np.argsort(np.flip(x, axis), axis, kind), axis)

    return run
