"""Batching of operations along axes: the axes of an example come after the batch."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations.shape_rules import normalize_axes

from ..extend import batching_of


def reduction(operation: Operation) -> None:
    """Declares a reduction over `axis`, where None stands for all axes of an example."""

    def rule(size: int, is_batched: tuple[bool], x: Any, *, axis: Any, **attributes: Any) -> Any:
        axes = tuple(place + 1 for place in normalize_axes(operation.short_name, axis, len(x.shape) - 1))
        return operation(x, axis=axes, **attributes)

    batching_of(operation)(rule)


def along_axis(operation: Operation) -> None:
    """Declares an operation along one `axis`, which it leaves in place; None, where it is allowed, is the only one."""

    def rule(size: int, is_batched: tuple[bool], x: Any, *, axis: int | None, **attributes: Any) -> Any:
        _check(operation, x, axis=axis, **attributes)
        place = 0 if axis is None else axis % (len(x.shape) - 1)
        return operation(x, axis=place + 1, **attributes)

    batching_of(operation)(rule)


def on_last_axes(operation: Operation) -> None:
    """Declares an operation of one operand on its last axes, to which axes before them make no difference."""

    def rule(size: int, is_batched: tuple[bool], x: Any, **attributes: Any) -> Any:
        _check(operation, x, **attributes)
        return operation(x, **attributes)

    batching_of(operation)(rule)


def _check(operation: Operation, x: Any, **attributes: Any) -> None:
    """Raises what the operation says of one example, whose axes alone count."""
    operation.infer([TensorMeta(x.shape[1:], x.dtype, x.device)], attributes)


REDUCTIONS = (
    *(ops.sum, ops.prod, ops.max, ops.min, ops.all, ops.any, ops.count_nonzero),
    *(ops.mean, ops.var, ops.std, ops.logsumexp),
)

for _operation in REDUCTIONS:
    reduction(_operation)
for _operation in (ops.cumulative_sum, ops.cumulative_prod, ops.softmax, ops.log_softmax):
    along_axis(_operation)
for _operation in (ops.tril, ops.triu):
    on_last_axes(_operation)
