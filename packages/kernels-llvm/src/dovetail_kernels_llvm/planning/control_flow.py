"""Choices and loops: the graphs that they carry become steps inside of the schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dovetail_protocols.graph import Graph
from dovetail_protocols.operations.control_flow import divide
from dovetail_protocols.records import replace

from ..kernels.kernel import Moving, View
from ..runtime.schedule import Branch, Repeat, While
from .body_plan import BodyPlan
from .context import Context
from .expansion import expand
from .launching import launch_copy
from .layout import same_place
from .ops import Op
from .ordering import Work
from .stages import resolved, staged


def plan_control_flow(context: Context, op: Op, inputs: Sequence[View], outputs: Sequence[View]) -> list[Work]:
    """What runs a choice or loop on views of its operands and results."""
    if op.name == "cond":
        return _plan_cond(context, op.attributes, inputs, outputs)
    if op.name == "while_loop":
        return _plan_while(context, op.attributes, inputs, outputs)
    return _plan_scan(context, op.attributes, inputs, outputs)


def _plan_cond(
    context: Context, attributes: Mapping[str, Any], inputs: Sequence[View], outputs: Sequence[View]
) -> list[Work]:
    branches = []
    for name in ("true_branch", "false_branch"):
        plan = BodyPlan(context, expand(attributes[name]), inputs[1:], outputs)
        branches.append(staged(plan.work, context.moving))
    return [Branch(_predicate(context, inputs[0]), *branches)]


def _plan_while(
    context: Context, attributes: Mapping[str, Any], inputs: Sequence[View], outputs: Sequence[View]
) -> list[Work]:
    count = attributes["carry_count"]
    constants = inputs[count:]
    work = _copies(context, inputs[:count], outputs)
    condition = BodyPlan(context, expand(attributes["condition"]), [*outputs, *constants])
    body = _carrying(context, attributes["body"], outputs, [*outputs, *constants], [])
    loop = While(
        staged(condition.work, context.moving),
        _predicate(context, condition.outputs[0]),
        staged(body, context.moving),
        attributes["maximum_iterations"],
    )
    return [*work, loop]


def _plan_scan(
    context: Context, attributes: Mapping[str, Any], inputs: Sequence[View], outputs: Sequence[View]
) -> list[Work]:
    carries = attributes["carry_count"]
    carried, sequences, constants = divide(inputs, carries, attributes["sequence_count"])
    stacked = outputs[carries:]
    length = attributes["length"] if not (sequences or stacked) else (*sequences, *stacked)[0].shape[0]
    work = _copies(context, carried, outputs[:carries])
    if not length:
        return work
    repeat, backward = context.next_repeat(), attributes["reverse"]

    def element(whole: View) -> View:
        step = whole.strides[0]
        offset = whole.offset + (length - 1) * step if backward else whole.offset
        first = replace(whole, shape=whole.shape[1:], strides=whole.strides[1:], offset=offset)
        return context.moving_part(first, repeat, -step if backward else step)

    operands = [*outputs[:carries], *map(element, sequences), *constants]
    body = _carrying(context, attributes["body"], outputs[:carries], operands, [element(one) for one in stacked])
    return [*work, Repeat(repeat, length, staged(body, context.moving))]


def _carrying(
    context: Context, graph: Graph, carried: Sequence[View], operands: Sequence[View], others: Sequence[View]
) -> list[Work]:
    """A round of a loop: the body, whose first results become the carried values of the next round."""
    in_place = {place: place for place in range(len(carried))}
    plan = BodyPlan(context, expand(graph), operands, [*carried, *others], in_place)
    return plan.work


def _copies(context: Context, sources: Sequence[View], targets: Sequence[View]) -> list[Work]:
    return [
        launch
        for source, target in zip(sources, targets, strict=True)
        if not same_place(source, target)
        for launch in launch_copy(context, source, target)
    ]


def _predicate(context: Context, view: View) -> View | Moving:
    found = resolved(view, context.moving)
    assert not isinstance(found, int)
    return found
