"""Random schedules, against a plain interpreter of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from small_launches import Small

from dovetail_kernels_llvm.kernels.kernel import Launch, Moving, View
from dovetail_kernels_llvm.runtime import threads
from dovetail_kernels_llvm.runtime.executable import Executable
from dovetail_kernels_llvm.runtime.schedule import Arena, Branch, Input, Output, Repeat, Schedule, Stage, Step, While

SMALL = Small()
CELLS = 48
BUFFERS = 4
"""Buffers of CELLS numbers: an output, a donated input, two in the arena. A launch adds numbers to a part of one."""
FLAG, SOURCE, LIMIT = 4, 5, 6
"""A bool; the numbers that are added; a number that loops compare the first of the output with."""
LOCATIONS = {
    0: Output(0),
    1: Output(1),
    2: Arena(0),
    3: Arena(512),
    FLAG: Arena(1024),
    SOURCE: Input(1),
    LIMIT: Input(2),
}
Loops = tuple[tuple[int, int], ...]
"""Numbers and rounds of the loops around."""


@st.composite
def launches(draw: Any, buffer: int, loops: Loops) -> Launch:
    """Adds numbers to a part of a buffer that moves with the loops."""
    tasks = draw(st.sampled_from([1, 2, 5, 16]))
    count = draw(st.integers(1, 2))
    steps = [(number, draw(st.integers(-1, 2)), rounds) for number, rounds in loops]
    ways = [step * (rounds - 1) for _, step, rounds in steps]
    low, high = sum(min(way, 0) for way in ways), sum(max(way, 0) for way in ways) + tasks * count
    if high - low > CELLS:
        steps, low, high = [], 0, tasks * count
    view = SMALL.view(buffer, tasks * count, offset=draw(st.integers(-low, CELLS - high)))
    target = Moving(view, tuple((number, step) for number, step, _ in steps)) if steps else view
    flops = draw(st.sampled_from([0.0, 1.0, 1e6]))
    return SMALL.add(target, SMALL.view(SOURCE, tasks * count), target, count, tasks, flops)


@st.composite
def stages(draw: Any, loops: Loops) -> Stage:
    buffers = draw(st.lists(st.integers(0, BUFFERS - 1), min_size=1, max_size=BUFFERS, unique=True))
    return Stage(tuple(draw(launches(buffer, loops)) for buffer in buffers))


COMPARE = Stage((SMALL.less(0, LIMIT, FLAG),))
PREDICATE = SMALL.view(FLAG, 1, dtype="bool")


@st.composite
def steps_in(draw: Any, loops: Loops = (), depth: int = 0) -> tuple[Step, ...]:
    made: list[Step] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["stage", "stage", "repeat", "while", "branch"] if depth < 3 else ["stage"]))
        if kind == "stage":
            made.append(draw(stages(loops)))
        elif kind == "repeat":
            number, rounds = draw(st.integers(0, 10**6)) * 4 + depth, draw(st.integers(0, 3))
            made.append(Repeat(number, rounds, draw(steps_in((*loops, (number, max(rounds, 1))), depth + 1))))
        elif kind == "while":
            made.append(While((COMPARE,), PREDICATE, draw(steps_in(loops, depth + 1)), draw(st.integers(0, 3))))
        else:
            sides = draw(steps_in(loops, depth + 1)), draw(steps_in(loops, depth + 1))
            made += [COMPARE, Branch(PREDICATE, *sides)]
    return tuple(made)


def interpret(steps: tuple[Step, ...], buffers: dict[int, Any], rounds: dict[int, int]) -> None:
    """What the driver should do."""
    for step in steps:
        if isinstance(step, Stage):
            for launch in step.launches:
                _run(launch, buffers, rounds)
        elif isinstance(step, Repeat):
            for number in range(step.count):
                interpret(step.body, buffers, rounds | {step.number: number})
        elif isinstance(step, While):
            for _ in range(step.limit or 0):
                interpret(step.condition, buffers, rounds)
                if not buffers[FLAG][0]:
                    break
                interpret(step.body, buffers, rounds)
        else:
            interpret(step.true if buffers[FLAG][0] else step.false, buffers, rounds)


def _run(launch: Launch, buffers: dict[int, Any], rounds: dict[int, int]) -> None:
    if launch.kernel.what == "less":
        buffers[FLAG][0] = buffers[0][0] < buffers[LIMIT][0]
        return
    target = launch.arguments[2]
    offset = 0
    if isinstance(target, Moving):
        offset = sum(rounds[number] * step for number, step in target.steps)
        target = target.start
    assert isinstance(target, View)
    part = buffers[target.buffer][offset + target.offset :][: target.size]
    part += buffers[SOURCE][: target.size]


@pytest.fixture(autouse=True)
def _restored_count() -> Iterator[None]:
    yield
    threads.set_thread_count(None)


@seed(0)
@settings(max_examples=60, deadline=None)
@given(steps=steps_in(), limit=st.integers(0, 30))
def test_schedules_do_what_a_plain_interpreter_does(steps: tuple[Step, ...], limit: int) -> None:
    clear = Stage(tuple(SMALL.add(SOURCE, _NOTHING, buffer, CELLS) for buffer in (0, 2, 3)))
    meta = ("int64", (CELLS,))
    locations = LOCATIONS | {_NOTHING: Input(3)}
    inputs = (meta, meta, ("int64", (1,)), meta)
    run = Executable(Schedule((clear, *steps), locations, 2048, inputs, (meta, meta), {1: 0}, {}))
    for count in (1, 2, 4):
        threads.set_thread_count(count)
        for round_ in range(2):
            state, source = np.arange(CELLS) * round_, np.arange(CELLS) % 7 + 1
            expected = {0: source.copy(), 1: state.copy(), 2: source.copy(), 3: source.copy(), SOURCE: source}
            interpret(steps, expected | {FLAG: [False], LIMIT: [limit]}, {})
            results = run(state, source, np.array([limit]), np.zeros(CELLS, np.int64))
            np.testing.assert_array_equal(results[0], expected[0])
            np.testing.assert_array_equal(results[1], expected[1])


_NOTHING = 7
"""Zeros."""
