"""Batching: an interpreter whose arrays stand for one example each, while every operation runs on the whole batch.

A batched array's payload holds the array of all examples, with the batch as its first axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import meta_of, provider
from dovetail_protocols.dispatch import apply_under, interpreting
from dovetail_protocols.errors import ConcretizationError, DovetailError, LeakedTensorError, TraceError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.tracing import user_line

from .extend import BATCHERS

if TYPE_CHECKING:
    from dovetail_protocols.roles import Interpreter

_assign_variable = ops.assign_variable


class BatchedValue:
    """The payload of a batched array: `array` is (batch, …) and belongs to the batcher's parent."""

    __slots__ = ("array", "owner")

    def __init__(self, owner: Batcher, array: Any) -> None:
        self.owner, self.array = owner, array

    def concretize(self, action: str) -> Any:
        """Raises: ConcretizationError while vmap runs, LeakedTensorError after it."""
        if not self.owner.is_open:
            raise LeakedTensorError(
                "a tensor that was made inside vmap is used outside of it",
                where=user_line(),
                got=f"one example out of a batch of {self.owner.size}",
                fix="return it from the function that vmap was given; a list or an attribute that outlives the call "
                "holds only the example's symbol, not its value",
            )
        raise ConcretizationError(
            f"a tensor inside vmap stands for {self.owner.size} examples at once, but {action} needs one value",
            where=user_line(),
            fix="use dovetail.where in place of a Python if on a tensor, or compute this part outside of vmap",
        )


class Batcher:
    """Interpreter that runs operations on all examples of a batch at once, under its parent.

    An operation goes through its batching rule; one without through its decomposition; one with neither runs once for
    each example, which is right but slow (`looped` lists such operations).
    """

    __slots__ = ("is_open", "looped", "parent", "size")

    def __init__(self, size: int, parent: Interpreter | None) -> None:
        self.size, self.parent = size, parent
        self.is_open = True
        self.looped: list[Operation] = []

    def wrap(self, array: Any) -> Any:
        """One example of an array whose first axis is the batch."""
        meta = array.meta
        return provider().wrap(BatchedValue(self, array), TensorMeta(meta.shape[1:], meta.dtype, meta.device))

    def unwrap(self, array: Any) -> tuple[Any, bool]:
        """The array of all examples, and whether its first axis is the batch."""
        payload = None if array is None else array.payload
        if type(payload) is BatchedValue and payload.owner is self:
            return payload.array, True
        return array, False

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        unwrapped = [self.unwrap(operand) for operand in operands]
        is_batched = tuple([batched for _, batched in unwrapped])
        if not any(is_batched):
            return apply_under(self.parent, operation, operands, attributes)
        if operation not in BATCHERS and not operation.is_primitive:
            return operation.decompose(*operands, **attributes)
        if operation is _assign_variable:
            raise _batched_assignment(operands[0])
        arrays = tuple([array for array, _ in unwrapped])
        try:
            with interpreting(self.parent):
                result = self._run(operation, is_batched, arrays, attributes)
        except DovetailError:
            operation.infer([meta_of(operand) for operand in operands], attributes)  # speaks of one example
            raise
        return tuple([self.wrap(one) for one in result]) if isinstance(result, tuple) else self.wrap(result)

    def _run(
        self, operation: Operation, is_batched: Sequence[bool], arrays: tuple[Any, ...], attributes: Mapping[str, Any]
    ) -> Any:
        rule = BATCHERS.get(operation)
        if rule is not None:
            return rule(self.size, is_batched, *arrays, **attributes)
        if operation.data_dependent:
            operation.infer([meta_of(array) for array in arrays], attributes)  # raises: sizes could differ
        self.looped.append(operation)
        return _loop(operation, self.size, is_batched, arrays, attributes)


def _loop(
    operation: Operation, size: int, is_batched: Sequence[bool], arrays: Sequence[Any], attributes: Mapping[str, Any]
) -> Any:
    """The results of an operation for each example, stacked."""
    if size == 0:
        return _empty(operation, is_batched, arrays, attributes)
    results = []
    for place in range(size):
        operands = [example(a, place) if batched else a for a, batched in zip(arrays, is_batched, strict=True)]
        results.append(operation(*operands, **attributes))
    if isinstance(results[0], tuple):
        return tuple(ops.stack(*column, axis=0) for column in zip(*results, strict=True))
    return ops.stack(*results, axis=0)


def _empty(
    operation: Operation, is_batched: Sequence[bool], arrays: Sequence[Any], attributes: Mapping[str, Any]
) -> Any:
    """The results for a batch of no examples."""
    metas = [
        None if a is None else TensorMeta(a.shape[1:], a.dtype, a.device) if batched else a.meta
        for a, batched in zip(arrays, is_batched, strict=True)
    ]
    inferred = operation.infer(metas, attributes)
    several = isinstance(inferred, tuple)
    results = tuple(
        ops.full(shape=(0, *meta.shape), fill_value=0, dtype=meta.dtype, device=meta.device)
        for meta in (inferred if isinstance(inferred, tuple) else (inferred,))
    )
    return results if several else results[0]


def example(array: Any, place: int) -> Any:
    """array[place], for an array (batch, …)."""
    return ops.squeeze(ops.slice(array, starts=(place,), stops=(place + 1,)), axis=0)


def _batched_assignment(variable: Any) -> TraceError:
    return TraceError(
        "a variable can't be given one value for each example of a batch",
        where=f"{user_line()}, variable {variable.name!r}, inside vmap",
        expected="a value that doesn't depend on the example",
        fix="return the value from the function that vmap is given, reduce it, and assign it outside",
    )
