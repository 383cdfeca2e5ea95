"""Results of operations without operands, known when a graph is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ops import Op


def leaf_number(op: Op) -> Any:
    """The Python number that a leaf is at every place, or None."""
    return op.attributes["fill_value"] if op.name == "full" else None


def leaf_array(op: Op) -> Any:
    """A leaf as a NumPy array, computed as the reference does."""
    output, attributes = op.outputs[0], op.attributes
    dtype = _numpy_dtype(output.dtype)
    if op.name == "full":
        return np.full(output.shape, attributes["fill_value"], dtype)
    if op.name == "arange":
        first, step = 0 if attributes["stop"] is None else attributes["start"], attributes["step"]
        exact: Any = np.int64 if isinstance(first, int) and isinstance(step, int) else np.float64
        if output.dtype == "uint64":
            exact = np.uint64
        # Multiples of the step, each rounded once; adding steps up would add up their rounding errors.
        return (np.arange(output.shape[0]).astype(exact) * exact(step) + exact(first)).astype(dtype)
    if op.name == "eye":
        return np.eye(output.shape[0], output.shape[1], attributes["k"]).astype(dtype)
    if op.name == "linspace":
        numbers = np.linspace(
            attributes["start"], attributes["stop"], attributes["num"], endpoint=attributes["endpoint"]
        )
        return numbers.astype(dtype)
    raise AssertionError(op.name)


def _numpy_dtype(name: str) -> Any:
    if name == "bfloat16":
        raise AssertionError("leaves of bfloat16 are numbers")
    return np.dtype(name)
