"""Results of operations without operands, known when a graph is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ops import Op


def leaf_number(op: Op) -> Any:
    """The Python number that a leaf is at every place, or None."""
    return op.attributes["fill_value"] if op.name == "full" else None


def leaf_array(op: Op) -> Any:
    """A leaf as a NumPy array, computed as the reference does; of a `full`, its one element."""
    output, attributes = op.outputs[0], op.attributes
    if op.name == "full":
        return _rounded(np.asarray([attributes["fill_value"]]), output.dtype)
    if op.name == "arange":
        first, step = 0 if attributes["stop"] is None else attributes["start"], attributes["step"]
        exact: Any = np.int64 if isinstance(first, int) and isinstance(step, int) else np.float64
        if output.dtype == "uint64":
            exact = np.uint64
        # Multiples of the step, each rounded once; adding steps up would add up their rounding errors.
        return _rounded(np.arange(output.shape[0]).astype(exact) * exact(step) + exact(first), output.dtype)
    if op.name == "eye":
        return _rounded(np.eye(output.shape[0], output.shape[1], attributes["k"]), output.dtype)
    if op.name == "linspace":
        start, stop, count = (attributes[name] for name in ("start", "stop", "num"))
        return _rounded(np.linspace(start, stop, count, endpoint=attributes["endpoint"]), output.dtype)
    raise AssertionError(op.name)


def _rounded(numbers: Any, dtype: str) -> Any:
    """Numbers in a dtype; bfloat16, which NumPy doesn't know, as its bits."""
    with np.errstate(all="ignore"):
        if dtype != "bfloat16":
            return numbers.astype(dtype)
        bits = numbers.astype(np.float32).view(np.uint32).astype(np.uint64)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16  # to nearest, ties to even
        return np.where(np.isnan(numbers.astype(np.float32)), bits >> 16 | 0x40, rounded).astype(np.uint16)
