"""Timing of several functions together: warm, in interleaved rounds, so that what disturbs one disturbs all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter_ns
from typing import Any

WARM_UP_SECONDS = 0.02
SAMPLE_SECONDS = 2e-3
"""A sample repeats a brief call for at least so long: the clock's own cost, some 50 ns, is then nothing beside it."""
LONG_SECONDS, FEWEST_ROUNDS = 0.05, 3
"""A function whose calls take so long is measured in the fewest rounds, and so are those beside it."""
QUICK = 0.1
"""What `quick` makes of these."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds for one call: the best of the rounds, their median and quartiles, and how much was measured."""

    best: float
    median: float
    lower: float
    upper: float
    rounds: int
    calls_per_round: int


def time_together(
    functions: Mapping[str, Sequence[Callable[[], object]]],
    *,
    waits: Mapping[str, Callable[[Any], object]] | None = None,
    rounds: int = 15,
    quick: bool = False,
) -> dict[str, Timing]:
    """The time of one call of each function. Each comes as a sequence of alternatives, on inputs of equal shapes in
    other memory, which take turns, so that none finds its operands where the call before left them.

    Each is called until it is warm; how many calls make a sample is fixed then. In each round every function gives one
    sample, in an order that moves by one each round. The garbage collector waits meanwhile. `waits` has a function for
    those whose calls only queue work: it is given the last result of each sample, and returns when that is there.
    `quick` measures more roughly, in the fewest rounds.
    """
    waiting = {name: (waits or {}).get(name, _no_wait) for name in functions}
    scale = QUICK if quick else 1.0
    calibrated = {name: _calibrated(functions[name], waiting[name], scale) for name in functions}
    counts = {name: max(1, round(SAMPLE_SECONDS * scale / seconds)) for name, seconds in calibrated.items()}
    if quick or max(calibrated.values()) > LONG_SECONDS:
        rounds = FEWEST_ROUNDS
    samples: dict[str, list[float]] = {name: [] for name in functions}
    names = list(functions)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                samples[name].append(_sample(functions[name], waiting[name], counts[name], number))
    finally:
        if collecting:
            gc.enable()
    return {name: _timing(samples[name], counts[name]) for name in names}


def _no_wait(result: object) -> None:
    """For calls whose results are there when they return."""


def _calibrated(alternatives: Sequence[Callable[[], object]], wait: Callable[[Any], object], scale: float) -> float:
    """About how many seconds a call takes. The calls that find it out warm the function up."""
    for function in alternatives:
        wait(function())
    begin, calls = perf_counter_ns(), 0
    while (spent := perf_counter_ns() - begin) < WARM_UP_SECONDS * scale * 1e9 or not calls:
        wait(alternatives[calls % len(alternatives)]())
        calls += 1
    return max(spent, 1) / calls / 1e9


def _sample(
    alternatives: Sequence[Callable[[], object]], wait: Callable[[Any], object], count: int, number: int
) -> float:
    """Seconds for one of `count` calls. The result of a call is freed by the next, as in a program."""
    turns = [alternatives[(number + place) % len(alternatives)] for place in range(count)]
    result: object = None
    begin = perf_counter_ns()
    for function in turns:
        result = function()
    wait(result)
    return (perf_counter_ns() - begin) / count / 1e9


def _timing(samples: Sequence[float], count: int) -> Timing:
    lower, median, upper = quantiles(samples, n=4, method="inclusive")
    return Timing(min(samples), median, lower, upper, len(samples), count)
