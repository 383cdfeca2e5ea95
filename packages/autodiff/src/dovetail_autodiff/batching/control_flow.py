"""Batching of choices and loops. Where examples would take different ways, all ways are computed and chosen between:
both branches of a cond, and further rounds of a loop for examples that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols import control_flow
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.graph import Graph, evaluate
from dovetail_protocols.operations.control_flow import divide

from ..batcher import Batcher
from ..extend import batching_of
from .manipulation import with_batch


def evaluate_batch(graph: Graph, size: int, is_batched: Sequence[bool], arrays: Sequence[Any]) -> list[Any]:
    """A graph's outputs for all examples, each with the batch as its first axis."""
    batcher = Batcher(size, current())
    try:
        entered = [batcher.wrap(a) if batched else a for a, batched in zip(arrays, is_batched, strict=True)]
        with interpreting(batcher):
            outputs = evaluate(graph, tuple(entered))
        left = [batcher.unwrap(output) for output in outputs]
    finally:
        batcher.is_open = False
    return [with_batch(size, batched, array) for array, batched in left]


def _choose(pred: Any, chosen: Sequence[Any], other: Sequence[Any]) -> tuple[Any, ...]:
    """For each example and array the one or the other; pred: (batch,), arrays: (batch, …)."""
    results = []
    for one, another in zip(chosen, other, strict=True):
        added = tuple(range(1, len(one.shape)))
        results.append(ops.where(ops.expand_dims(pred, axis=added) if added else pred, one, another))
    return tuple(results)


@batching_of(ops.cond)
def cond(size: int, is_batched: Any, pred: Any, *operands: Any, true_branch: Graph, false_branch: Graph) -> Any:
    def run(branch: Graph) -> Any:
        return lambda *arrays: evaluate_batch(branch, size, is_batched[1:], arrays)

    if not is_batched[0]:
        return control_flow.cond(pred, run(true_branch), run(false_branch), *operands)
    return _choose(pred, run(true_branch)(*operands), run(false_branch)(*operands))


@batching_of(ops.while_loop)
def while_loop(
    size: int,
    is_batched: Any,
    *operands: Any,
    condition: Graph,
    body: Graph,
    carry_count: int,
    maximum_iterations: int | None,
) -> Any:
    constants = operands[carry_count:]
    flags = (*(True,) * carry_count, *is_batched[carry_count:])

    def going(*carried: Any) -> Any:
        return evaluate_batch(condition, size, flags, (*carried, *constants))[0]

    def round_of(*carried: Any) -> Any:
        return _choose(going(*carried), evaluate_batch(body, size, flags, (*carried, *constants)), carried)

    return control_flow.while_loop(
        lambda *carried: ops.any(going(*carried)),
        round_of,
        *(with_batch(size, batched, one) for one, batched in zip(operands[:carry_count], is_batched, strict=False)),
        maximum_iterations=maximum_iterations,
    )


@batching_of(ops.scan)
def scan(
    size: int,
    is_batched: Any,
    *operands: Any,
    body: Graph,
    carry_count: int,
    sequence_count: int,
    length: int | None,
    reverse: bool,
) -> Any:
    carried, sequences, constants = divide(operands, carry_count, sequence_count)
    flags = (*(True,) * carry_count, *is_batched[carry_count:])

    def step(before: Any, elements: Any) -> Any:
        outputs = evaluate_batch(body, size, flags, (*before, *elements, *constants))
        return outputs[:carry_count], outputs[carry_count:]

    last, stacked = control_flow.scan(
        step,
        [with_batch(size, batched, one) for one, batched in zip(carried, is_batched, strict=False)],
        [_steps_first(one, batched) for one, batched in zip(sequences, is_batched[carry_count:], strict=False)],
        length=length,
        reverse=reverse,
    )
    return (*last, *(ops.moveaxis(one, source=1, destination=0) for one in stacked))


def _steps_first(sequence: Any, is_batched: bool) -> Any:
    """(batch, length, …) as (length, batch, …)."""
    return ops.moveaxis(sequence, source=1, destination=0) if is_batched else sequence
