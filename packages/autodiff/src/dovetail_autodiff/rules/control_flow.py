"""Choices and loops.

Reverse mode keeps what the backward pass needs: the gradient of a cond is a cond, that of a scan a scan in the other
direction. A while_loop that runs now is differentiated round by round, as it was executed; in a trace it needs a bound,
and becomes a scan of that length whose rounds after the end do nothing. Forward mode carries tangents along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols import control_flow
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import GradientError
from dovetail_protocols.graph import Graph, evaluate
from dovetail_protocols.operations.control_flow import divide, scan_length
from dovetail_protocols.records import replace

from ..extend import pushforward_of, vjp_of
from ..graph_derivatives import (
    Linearized,
    differentiable_places,
    is_symbolic,
    metas_of,
    push_forward,
    run_taped,
)
from ..seeds import zeros_like

# ---------------------------------------------------------------------- cond


@vjp_of(ops.cond)
def cond(wanted: Any, pred: Any, *operands: Any, true_branch: Graph, false_branch: Graph) -> Any:
    if not is_symbolic(pred):
        taken = true_branch if bool(pred) else false_branch
        results, pull = run_taped(lambda *inputs: evaluate(taken, inputs), operands, wanted[1:])
        return results, lambda cotangents: (None, *pull(cotangents))
    chosen, other = Linearized(true_branch, wanted[1:]), Linearized(false_branch, wanted[1:])
    return _planned_cond(pred, operands, chosen, other, len(true_branch.outputs))


def _planned_cond(pred: Any, operands: tuple[Any, ...], chosen: Linearized, other: Linearized, count: int) -> Any:
    """Both branches give residuals, those of the branch not taken as zeros."""

    def run_chosen(*inputs: Any) -> Any:
        return (*evaluate(chosen.forward, (*inputs, *chosen.constants)), *map(_zeros, other.residual_metas))

    def run_other(*inputs: Any) -> Any:
        outputs = evaluate(other.forward, (*inputs, *other.constants))
        return (*outputs[:count], *map(_zeros, chosen.residual_metas), *outputs[count:])

    outputs = control_flow.cond(pred, run_chosen, run_other, *operands)
    split = count + len(chosen.residual_metas)
    residuals, other_residuals = outputs[count:split], outputs[split:]

    def pullback(cotangents: Any) -> Any:
        inputs = dict(enumerate(operands))
        pulled = control_flow.cond(
            pred,
            lambda *given: chosen.pull(given, inputs, residuals),
            lambda *given: other.pull(given, inputs, other_residuals),
            *(cotangents[place] for place in chosen.given),
        )
        return (None, *_spread(pulled, chosen.wanted, len(operands)))

    return outputs[:count], pullback


@pushforward_of(ops.cond)
def cond_forward(tangents: Any, pred: Any, *operands: Any, true_branch: Graph, false_branch: Graph) -> Any:
    def pushing(branch: Graph) -> Any:
        def run(*inputs: Any) -> Any:
            outputs, pushed = push_forward(branch, inputs, tangents[1:])
            return (*outputs, *pushed)

        return run

    both = control_flow.cond(pred, pushing(true_branch), pushing(false_branch), *operands)
    return _with_tangents(both, len(true_branch.outputs))


# ---------------------------------------------------------------------- scan


@vjp_of(ops.scan)
def scan(
    wanted: Any,
    *operands: Any,
    body: Graph,
    carry_count: int,
    sequence_count: int,
    length: int | None,
    reverse: bool,
) -> Any:
    # What is carried depends on whatever is wanted, from the second step on.
    linear = Linearized(body, (*(True,) * carry_count, *wanted[carry_count:]))
    saved = [place for place in linear.needed if place < carry_count]
    steps = scan_length(operands[carry_count : carry_count + sequence_count], length)
    forward = linear.forward
    outputs = ops.scan(
        *operands,
        *linear.constants,
        body=replace(forward, outputs=(*forward.outputs, *(forward.inputs[place] for place in saved))),
        carry_count=carry_count,
        sequence_count=sequence_count,
        length=length,
        reverse=reverse,
    )
    count = len(body.outputs)
    kept = outputs[count : count + len(linear.residual_metas)], outputs[count + len(linear.residual_metas) :]

    def pullback(cotangents: Any) -> Any:
        return _pull_scan(linear, operands, cotangents, kept, saved, carry_count, sequence_count, steps, reverse)

    return outputs[:count], pullback


def _pull_scan(
    linear: Linearized,
    operands: tuple[Any, ...],
    cotangents: Any,
    kept: tuple[Any, Any],
    saved: list[int],
    carry_count: int,
    sequence_count: int,
    steps: int,
    reverse: bool,
) -> Any:
    """The steps again from the last to the first, carrying cotangents of what was carried, and sums of those of the
    constants."""
    first = carry_count + sequence_count
    residuals, carries = kept
    looked_at = [place for place in linear.needed if carry_count <= place < first]
    constant_inputs = {place: operands[place] for place in linear.needed if place >= first}
    carried = [place for place in linear.given if place < carry_count]
    summed = [place for place in linear.wanted if place >= first]
    stacked = [cotangents[place] for place in linear.given if place >= carry_count]

    def step(before: Any, elements: Any) -> Any:
        given, rest = elements[: len(stacked)], elements[len(stacked) :]
        inputs = dict(zip((*saved, *looked_at), rest[len(residuals) :], strict=True)) | constant_inputs
        pulled = linear.pull((*before[: len(carried)], *given), inputs, rest[: len(residuals)])
        found = dict(zip(linear.wanted, pulled, strict=True))
        sums = [ops.add(total, found[place]) for total, place in zip(before[len(carried) :], summed, strict=True)]
        return (
            (*(found[place] for place in carried), *sums),
            tuple(found[place] for place in linear.wanted if carry_count <= place < first),
        )

    last, of_sequences = control_flow.scan(
        step,
        (*(cotangents[place] for place in carried), *(zeros_like(operands[place]) for place in summed)),
        (*stacked, *residuals, *carries, *(operands[place] for place in looked_at)),
        length=steps,
        reverse=not reverse,
    )
    pulled = (*last[: len(carried)], *of_sequences, *last[len(carried) :])
    return _spread(pulled, linear.wanted, len(operands))


@pushforward_of(ops.scan)
def scan_forward(
    tangents: Any, *operands: Any, body: Graph, carry_count: int, sequence_count: int, length: int | None, reverse: bool
) -> Any:
    carried, sequences, constants = divide(operands, carry_count, sequence_count)
    carried_tangents, sequence_tangents, constant_tangents = divide(tangents, carry_count, sequence_count)
    moving = differentiable_places(metas_of(carried))
    changing = [place for place, tangent in enumerate(sequence_tangents) if tangent is not None]

    def step(before: Any, elements: Any) -> Any:
        inputs = (*before[:carry_count], *elements[:sequence_count], *constants)
        pushed_in = (
            *_spread(before[carry_count:], moving, carry_count),
            *_spread(elements[sequence_count:], changing, sequence_count),
            *constant_tangents,
        )
        outputs, pushed = push_forward(body, inputs, pushed_in)
        split = len(moving)
        return (*outputs[:carry_count], *pushed[:split]), (*outputs[carry_count:], *pushed[split:])

    last, stacked = control_flow.scan(
        step,
        (*carried, *_materialized(carried, carried_tangents, moving)),
        (*sequences, *(sequence_tangents[place] for place in changing)),
        length=length,
        reverse=reverse,
    )
    count = len(body.outputs) - carry_count
    outputs = (*last[:carry_count], *stacked[:count])
    return _with_tangents((*outputs, *last[carry_count:], *stacked[count:]), len(outputs))


# ---------------------------------------------------------------------- while_loop


@vjp_of(ops.while_loop)
def while_loop(
    wanted: Any, *operands: Any, condition: Graph, body: Graph, carry_count: int, maximum_iterations: int | None
) -> Any:
    attributes = {
        "condition": condition,
        "body": body,
        "carry_count": carry_count,
        "maximum_iterations": maximum_iterations,
    }
    if not is_symbolic(evaluate(condition, operands)[0]):
        return run_taped(lambda *inputs: ops.while_loop.decompose(*inputs, **attributes), operands, wanted)
    if maximum_iterations is not None:
        return _bounded_loop(wanted, operands, condition, body, carry_count, maximum_iterations)
    return ops.while_loop(*operands, **attributes), _refuse


def _bounded_loop(
    wanted: Any, operands: tuple[Any, ...], condition: Graph, body: Graph, carry_count: int, maximum_iterations: int
) -> Any:
    """The loop as a scan that carries whether it still goes on."""

    def run(*inputs: Any) -> Any:
        constants = inputs[carry_count:]

        def go_on(carried: Any) -> Any:
            return evaluate(condition, (*carried, *constants))[0]

        def round_of(before: Any, _: Any) -> Any:
            going, *carried = before

            def one_more(*values: Any) -> Any:
                after = evaluate(body, (*values, *constants))
                return (go_on(after), *after)

            return control_flow.cond(going, one_more, lambda *values: (going, *values), *carried), ()

        start = (go_on(inputs[:carry_count]), *inputs[:carry_count])
        return control_flow.scan(round_of, start, length=maximum_iterations)[0][1:]

    return run_taped(run, operands, wanted)


def _refuse(cotangents: Any) -> Any:
    raise GradientError(
        "a while_loop without a bound has no gradient in a traced function",
        where="while_loop, in the backward pass",
        cause="how many rounds must be kept for the way back is not known when the function is traced",
        fix="give maximum_iterations, or use fori_loop or scan; jvp and loops outside of functions need no bound",
    )


@pushforward_of(ops.while_loop)
def while_loop_forward(
    tangents: Any, *operands: Any, condition: Graph, body: Graph, carry_count: int, maximum_iterations: int | None
) -> Any:
    carried, constants = operands[:carry_count], operands[carry_count:]
    moving = differentiable_places(metas_of(carried))

    def round_of(*before: Any) -> Any:
        pushed_in = (*_spread(before[carry_count:], moving, carry_count), *tangents[carry_count:])
        outputs, pushed = push_forward(body, (*before[:carry_count], *constants), pushed_in)
        return (*outputs, *pushed)

    both = control_flow.while_loop(
        lambda *before: evaluate(condition, (*before[:carry_count], *constants)),
        round_of,
        *carried,
        *_materialized(carried, tangents[:carry_count], moving),
        maximum_iterations=maximum_iterations,
    )
    return _with_tangents(both, carry_count)


# ---------------------------------------------------------------------- places


def _spread(values: Sequence[Any], places: Sequence[int], count: int) -> tuple[Any, ...]:
    """`count` entries: the values at their places, None elsewhere."""
    found = dict(zip(places, values, strict=True))
    return tuple(found.get(place) for place in range(count))


def _materialized(arrays: Sequence[Any], tangents: Sequence[Any], places: Sequence[int]) -> list[Any]:
    return [zeros_like(arrays[place]) if tangents[place] is None else tangents[place] for place in places]


def _with_tangents(both: Sequence[Any], count: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Results, and tangents spread over them, from the results followed by the tangents of differentiable ones."""
    results = tuple(both[:count])
    return results, _spread(both[count:], differentiable_places(metas_of(results)), count)


def _zeros(meta: Any) -> Any:
    return ops.full(shape=meta.shape, fill_value=0, dtype=meta.dtype, device=meta.device)
