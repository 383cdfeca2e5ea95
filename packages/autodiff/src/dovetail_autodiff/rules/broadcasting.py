"""The gradient of broadcasting: sums over the axes that were stretched."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops


def unbroadcast(cotangent: Any, operand: Any) -> Any:
    """The cotangent summed to the operand's shape, over axes that broadcasting added or stretched."""
    if cotangent.shape == operand.shape:
        return cotangent
    added = len(cotangent.shape) - len(operand.shape)
    stretched = tuple(
        axis + added for axis, size in enumerate(operand.shape) if size == 1 and cotangent.shape[axis + added] != 1
    )
    if stretched:
        cotangent = ops.sum(cotangent, axis=stretched, keepdims=True)
    if added:
        cotangent = ops.sum(cotangent, axis=tuple(range(added)))
    return cotangent
