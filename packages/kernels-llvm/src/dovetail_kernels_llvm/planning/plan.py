"""From a graph to a schedule."""

from __future__ import annotations

from collections.abc import Collection

from dovetail_protocols.graph import Graph

from ..codegen.isa import isa
from ..kernels.kernel import View
from ..runtime.schedule import Arena, Constant, Input, Location, Output, Schedule, Step
from . import template_cache
from .body_plan import BodyPlan
from .context import Context
from .expansion import expand
from .memory import Life, arrange
from .ops import inputs_of, outputs_of
from .stages import buffers_of, staged


def plan(graph: Graph, donated: Collection[int] = ()) -> Schedule:
    """The schedule of a graph, which may overwrite the inputs `donated` that its states give a new value.

    Raises: NotTaken for a node that can't be compiled.
    """
    context = Context(isa())
    body = expand(graph)
    inputs = [context.buffer(value.dtype, value.shape, "input") for value in body.inputs]
    locations: dict[int, Location] = {view.buffer: Input(place) for place, view in enumerate(inputs)}
    given = {value.number: place for place, value in enumerate(body.inputs)}
    passed = {place: given[value.number] for place, value in enumerate(body.outputs) if value.number in given}
    in_place = {
        state.output: state.input
        for state in graph.states
        if state.output is not None and state.input in donated and state.output not in passed
    }
    outputs: list[View | None] = []
    for place, value in enumerate(body.outputs):
        if place in passed:
            outputs.append(None)
        elif place in in_place:
            outputs.append(inputs[in_place[place]])
        else:
            view = context.buffer(value.dtype, value.shape, "output")
            locations[view.buffer] = Output(place)
            outputs.append(view)
    planned = BodyPlan(context, body, inputs, outputs, in_place)
    template_cache.keep()
    steps = staged(planned.work, context.moving)
    offsets, total = arrange(_lives(steps, context))
    locations |= {number: Arena(offset) for number, offset in offsets.items()}
    locations |= {number: Constant(array) for number, array in context.constants.items()}
    return Schedule(
        steps,
        locations,
        total,
        tuple((value.dtype, value.shape) for value in inputs_of(graph)),
        tuple((value.dtype, value.shape) for value in outputs_of(graph)),
        in_place,
        passed,
    )


def _lives(steps: tuple[Step, ...], context: Context) -> list[Life]:
    """From which step to which each temporary buffer is needed."""
    ends: dict[int, tuple[int, int]] = {}
    for number, step in enumerate(steps):
        for buffer in buffers_of(step):
            if context.buffers[buffer].kind == "temporary":
                first, _ = ends.get(buffer, (number, number))
                ends[buffer] = first, number
    return [Life(buffer, context.buffers[buffer].bytes, first, last) for buffer, (first, last) in ends.items()]
