"""A schedule: what the planner gives to the driver, a whole step as launches in stages, loops and branches.

Buffers are numbers (`View.buffer`); `Schedule.locations` says where each one lies. Several buffers may lie at
overlapping places of the arena when their lives don't overlap: the planner decides that, the driver never looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from dovetail_protocols.records import record

from ..kernels.kernel import Launch, Moving, View


@record
class Input:
    """A buffer that is the input at a place: a C-contiguous array of the dtype and shape that the schedule declares."""

    place: int


@record
class Output:
    """A buffer that is the output at a place: a fresh array, or the donated input's where `Schedule.in_place` says
    so."""

    place: int


@record
class Arena:
    """A buffer in the memory that a call works in, from `offset_bytes` on (a multiple of 64). What it holds at the
    start of a call is arbitrary."""

    offset_bytes: int


@record
class Constant:
    """A buffer that is a C-contiguous NumPy array which nothing writes. The executable keeps it alive."""

    array: Any

    def __eq__(self, other: object) -> bool:
        return type(other) is Constant and other.array is self.array

    def __hash__(self) -> int:
        return id(self.array)


Location: TypeAlias = Input | Output | Arena | Constant


@record
class Stage:
    """Launches that are independent of each other: their tasks form one pool, which all threads take from."""

    launches: tuple[Launch, ...]


@record
class Repeat:
    """Steps that run `count` times (a scan, a loop over a range). `number` is what Moving arguments and predicates
    inside of `body` name it by; each Repeat of a schedule has a number of its own."""

    number: int
    count: int
    body: tuple[Step, ...]


@record
class While:
    """Steps that run as long as `predicate` (one bool) holds after `condition` ran, and `limit` times at most."""

    condition: tuple[Step, ...]
    predicate: View | Moving
    body: tuple[Step, ...]
    limit: int | None = None


@record
class Branch:
    """One of two lists of steps, as `predicate` (one bool) holds or not."""

    predicate: View | Moving
    true: tuple[Step, ...]
    false: tuple[Step, ...]


Step: TypeAlias = Stage | Repeat | While | Branch

Signature: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]
"""Dtypes (by name) and shapes of arrays, in order."""


@record
class Schedule:
    """A whole step.

    `locations`: where each buffer lies; `arena_bytes`: how much memory a call works in; `inputs` and `outputs`: what
    arrays are given and made. `in_place`: output place → place of the donated input whose array it is: that array is
    written and returned. `passed_through`: output place → place of the input that is returned as it is. Steps run in
    their order, each after all of the one before. A buffer that is neither donated nor an output is never written
    outside of the arena.
    """

    steps: tuple[Step, ...]
    locations: Mapping[int, Location]
    arena_bytes: int
    inputs: Signature
    outputs: Signature
    in_place: Mapping[int, int]
    passed_through: Mapping[int, int]


def launches_of(steps: tuple[Step, ...]) -> list[Launch]:
    """All launches of some steps, those in loops and branches too, once each, in their order."""
    found: list[Launch] = []
    for step in steps:
        if isinstance(step, Stage):
            found += step.launches
        elif isinstance(step, Repeat):
            found += launches_of(step.body)
        elif isinstance(step, While):
            found += launches_of((*step.condition, *step.body))
        else:
            found += launches_of((*step.true, *step.false))
    return found
