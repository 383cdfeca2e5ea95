"""From work in order to steps: launches that don't touch what others of them write form one stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dovetail_protocols.records import replace

from ..codegen.types import size_bytes
from ..kernels.kernel import Launch, Moving, View
from ..runtime.schedule import Branch, Repeat, Stage, Step, While

Moved = Mapping[int, tuple[View, int, int]]
"""Buffers that are parts of others which a loop moves along: (the part at first, the loop, elements a round)."""


def staged(work: Sequence[Launch | Step], moved: Moved) -> tuple[Step, ...]:
    """The steps of some work."""
    steps: list[Step] = []
    stage: list[Launch] = []
    touched = Touched()
    for one in work:
        if not isinstance(one, Launch):
            if stage:
                steps.append(Stage(tuple(stage)))
            stage, touched = [], Touched()
            steps.append(one)
            continue
        launch = replace(one, arguments=tuple(resolved(argument, moved) for argument in one.arguments))
        if touched.conflicts(launch):
            steps.append(Stage(tuple(stage)))
            stage, touched = [], Touched()
        stage.append(launch)
        touched.add(launch)
    if stage:
        steps.append(Stage(tuple(stage)))
    return tuple(steps)


def resolved(argument: View | Moving | int, moved: Moved) -> View | Moving | int:
    """An argument whose buffer is a moving part, as what moves."""
    if not isinstance(argument, View) or argument.buffer not in moved:
        return argument
    base, repeat, steps = moved[argument.buffer]
    view = replace(argument, buffer=base.buffer, offset=base.offset + argument.offset)
    outer = resolved(view, moved)
    if isinstance(outer, Moving):
        return Moving(outer.start, (*outer.steps, (repeat, steps)))
    return Moving(view, ((repeat, steps),))


class Touched:
    """The memory that the launches of a stage read and write."""

    def __init__(self) -> None:
        self._spans: dict[int, list[tuple[float, float, bool]]] = {}

    def conflicts(self, launch: Launch) -> bool:
        """Whether a launch must wait for one of them."""
        for buffer, low, high, writes in spans(launch):
            for other_low, other_high, other_writes in self._spans.get(buffer, ()):
                if (writes or other_writes) and low < other_high and other_low < high:
                    return True
        return False

    def add(self, launch: Launch) -> None:
        for buffer, low, high, writes in spans(launch):
            self._spans.setdefault(buffer, []).append((low, high, writes))


def spans(launch: Launch) -> Iterator[tuple[int, float, float, bool]]:
    """(buffer, first byte, end, whether it is written) of each argument."""
    for place, argument in enumerate(launch.arguments):
        if isinstance(argument, Moving):
            if isinstance(argument.start, View):
                yield argument.start.buffer, 0.0, float("inf"), place in launch.writes
        elif isinstance(argument, View) and argument.size:
            low = high = argument.offset
            for size, stride in zip(argument.shape, argument.strides, strict=True):
                low += min(0, (size - 1) * stride)
                high += max(0, (size - 1) * stride)
            width = size_bytes(argument.dtype)
            yield argument.buffer, low * width, (high + 1) * width, place in launch.writes


def buffers_of(step: Step) -> Iterable[int]:
    """The buffers that a step touches, the steps in it included."""
    if isinstance(step, Stage):
        for launch in step.launches:
            for argument in launch.arguments:
                if isinstance(argument, Moving) and isinstance(argument.start, View):
                    yield argument.start.buffer
                elif isinstance(argument, View):
                    yield argument.buffer
        return
    if isinstance(step, Repeat):
        inner = step.body
    elif isinstance(step, While):
        inner = (*step.condition, *step.body)
    else:
        assert isinstance(step, Branch)
        inner = (*step.true, *step.false)
    if isinstance(step, While | Branch):
        predicate = step.predicate.start if isinstance(step.predicate, Moving) else step.predicate
        assert isinstance(predicate, View)
        yield predicate.buffer
    for one in inner:
        yield from buffers_of(one)
