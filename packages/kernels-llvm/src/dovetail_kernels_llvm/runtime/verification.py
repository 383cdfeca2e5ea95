"""Looks through a schedule for what would make native code read or write where it must not."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ..codegen.types import size_bytes
from ..kernels.kernel import Launch, Moving, View
from .schedule import Arena, Branch, Constant, Input, Output, Repeat, Schedule, Stage, Step, While
from .structures import Pool


def verify(schedule: Schedule) -> None:
    """Raises: ValueError for a view that reaches outside of its buffer, a launch that writes what is not to be written,
    a loop that an argument moves with and that isn't there, places of inputs and outputs that don't exist."""
    _Verification(schedule).check()


class _Verification:
    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.inputs = [prod(shape) * size_bytes(dtype) for dtype, shape in schedule.inputs]
        self.outputs = [prod(shape) * size_bytes(dtype) for dtype, shape in schedule.outputs]

    def check(self) -> None:
        self._check_places()
        self._check_steps(self.schedule.steps, {})

    def _check_places(self) -> None:
        schedule = self.schedule
        for kind, given in (("in place", schedule.in_place), ("passed through", schedule.passed_through)):
            for output, source in given.items():
                if not (0 <= output < len(self.outputs) and 0 <= source < len(self.inputs)):
                    raise ValueError(f"output {output} {kind} of input {source}: there is no such place")
                if schedule.outputs[output] != schedule.inputs[source]:
                    raise ValueError(
                        f"output {output} {kind} of input {source}: {schedule.outputs[output]} is not "
                        f"{schedule.inputs[source]}"
                    )
        if len(set(schedule.in_place.values())) != len(schedule.in_place):
            raise ValueError(f"an input is donated to two outputs: {dict(schedule.in_place)}")

    def _check_steps(self, steps: tuple[Step, ...], rounds: Mapping[int, int]) -> None:
        """`rounds`: of the loops around, by number."""
        for step in steps:
            if isinstance(step, Stage):
                if sum(launch.tasks for launch in step.launches) >= 1 << Pool.TASK_BITS:
                    raise ValueError(f"a stage has more than {1 << Pool.TASK_BITS} tasks")
                for launch in step.launches:
                    self._check_launch(launch, rounds)
            elif isinstance(step, Repeat):
                self._check_repeat(step, rounds)
            elif isinstance(step, While):
                self._check_argument("the predicate of a loop", step.predicate, rounds)
                self._check_steps((*step.condition, *step.body), rounds)
            elif isinstance(step, Branch):
                self._check_argument("the predicate of a branch", step.predicate, rounds)
                self._check_steps((*step.true, *step.false), rounds)

    def _check_repeat(self, step: Repeat, rounds: Mapping[int, int]) -> None:
        if step.number in rounds:
            raise ValueError(f"Repeat {step.number} is inside of another one of that number")
        if step.count > 0:
            self._check_steps(step.body, {**rounds, step.number: step.count})

    def _check_launch(self, launch: Launch, rounds: Mapping[int, int]) -> None:
        for place, argument in enumerate(launch.arguments):
            self._check_argument(f"{launch.kernel.what}: argument {place}", argument, rounds)
        for place in launch.writes:
            argument = launch.arguments[place]
            view = argument.start if isinstance(argument, Moving) else argument
            if isinstance(view, View) and not self._may_be_written(view.buffer):
                location = self.schedule.locations[view.buffer]
                raise ValueError(f"{launch.kernel.what}: argument {place} is written, and lies in {location}")

    def _may_be_written(self, buffer: int) -> bool:
        location = self.schedule.locations[buffer]
        if isinstance(location, Input):
            return location.place in self.schedule.in_place.values()
        if isinstance(location, Output):
            return location.place not in self.schedule.passed_through
        return isinstance(location, Arena)

    def _check_argument(self, what: str, argument: View | Moving | int, rounds: Mapping[int, int]) -> None:
        low, high = 0, 0
        if isinstance(argument, Moving):
            for number, step in argument.steps:
                if number not in rounds:
                    raise ValueError(f"{what} moves with Repeat {number}, which isn't around it")
                way = step * (rounds[number] - 1)
                low, high = low + min(way, 0), high + max(way, 0)
            argument = argument.start
        if not isinstance(argument, View) or not argument.size:
            return
        for size, stride in zip(argument.shape, argument.strides, strict=True):
            way = stride * (size - 1)
            low, high = low + min(way, 0), high + max(way, 0)
        unit = size_bytes(argument.dtype)
        start, size = self._extent(what, argument.buffer)
        first, end = start + unit * (argument.offset + low), start + unit * (argument.offset + high + 1)
        if first < 0 or end > size:
            raise ValueError(
                f"{what} reaches from byte {first} to {end} of {size} bytes: {argument} in "
                f"{self.schedule.locations[argument.buffer]}"
            )

    def _extent(self, what: str, buffer: int) -> tuple[int, int]:
        """Where a buffer starts in the memory that it lies in, and how large that is, in bytes."""
        location = self.schedule.locations.get(buffer)
        if isinstance(location, Arena):
            return location.offset_bytes, self.schedule.arena_bytes
        if isinstance(location, Constant):
            return 0, location.array.nbytes
        sizes = self.inputs if isinstance(location, Input) else self.outputs
        if location is None or not 0 <= location.place < len(sizes):
            raise ValueError(f"{what}: buffer {buffer} lies nowhere: {location}")
        return 0, sizes[location.place]
