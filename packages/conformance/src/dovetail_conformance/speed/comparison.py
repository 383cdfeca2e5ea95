"""One call by everybody who can run it: their results compared, then timed together beside the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from time import perf_counter
from typing import Any

import numpy as np

from ..cases import Buffer
from ..tolerances import FACTORS, difference, unit
from .calls import BenchmarkCall
from .competitors import DECOMPOSITION, Competitor, competitors_for
from .machine import MachineSpeed, MachineTimes
from .timing import Timing, time_together
from .units import seconds_text
from .work import Work, work_of

REFERENCES = ("numpy", DECOMPOSITION)
LONGEST_SECONDS = 1.0
"""Who takes longer for one call is not timed beside others, which would wait for it in each round."""
ALTERNATIVES, ALTERNATIVES_BYTES = 3, 1 << 28
"""How many sets of equal inputs take turns, as long as they are no larger together."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one call: times by competitor, and why others have none (refused, wrong, raised)."""

    call: BenchmarkCall
    work: Work
    machine: MachineTimes
    timings: dict[str, Timing]
    refusals: dict[str, str]
    faults: dict[str, str]


def compare(
    call: BenchmarkCall,
    package: str,
    machine: MachineSpeed,
    *,
    left_out: Mapping[str, str] | None = None,
    quick: bool = False,
) -> Comparison:
    """Runs a call by `package` and all others, compares results with those of the reference (`numpy`, else the
    decomposition, else the package's own), and times those that agree. A wrong kernel is named and not timed.
    `left_out`: competitors that aren't to run, and why.

    Raises: PluginError where `package` isn't installed or can't be used here.
    """
    found = competitors_for(call, package)
    refusals = {one.name: one.refusal for one in found if one.run is None}
    refusals |= {one.name: left_out[one.name] for one in found if left_out and one.name in left_out}
    able = [one for one in found if one.name not in refusals]
    faults, seconds = _tried(call, able)
    slow = {name: spent for name, spent in seconds.items() if spent > LONGEST_SECONDS and name != package}
    refusals |= {name: f"left out: a call took {seconds_text(spent)}" for name, spent in slow.items()}
    able = [one for one in able if one.name not in slow]
    runners = {one.name: _runners(call, one) for one in able if one.name not in faults}
    waits = {one.name: partial(one.results, several=call.several) for one in able if one.device != "cpu"}
    with np.errstate(all="ignore"):
        timings = time_together(runners, waits=waits, quick=quick) if runners else {}
    work = work_of(call.meta)
    return Comparison(call, work, machine.times_of(work, _dtype(call)), timings, refusals, faults)


def beside(comparison: Comparison, machine: MachineSpeed) -> Comparison:
    """The same beside a machine that was refined since."""
    return replace(comparison, machine=machine.times_of(comparison.work, _dtype(comparison.call)))


def _dtype(call: BenchmarkCall) -> np.dtype[Any]:
    return next((array.dtype for array in call.inputs if array is not None), np.dtype(np.float32))


def _tried(call: BenchmarkCall, able: Sequence[Competitor]) -> tuple[dict[str, str], dict[str, float]]:
    """What is wrong with competitors, by name: they raise, or give other results than the reference; and how long the
    first call of each took."""
    given: dict[str, tuple[Buffer, ...]] = {}
    seconds: dict[str, float] = {}
    faults: dict[str, str] = {}
    for one in able:
        run: Any = one.run
        begin = perf_counter()
        try:
            with np.errstate(all="ignore"):
                given[one.name] = one.results(run(*one.buffers(call.inputs)), several=call.several)
        except Exception as error:  # noqa: BLE001 - a kernel may raise anything; it is named
            faults[one.name] = f"raised {type(error).__name__}: {error}"
        seconds[one.name] = perf_counter() - begin
    reference = next((name for name in (*REFERENCES, *given) if name in given), None)
    for name, results in given.items():
        text = None if reference is None else _disagreement(call, results, given[reference])
        if text is not None:
            faults[name] = f"disagrees with {reference}: {text}"
    return faults, seconds


def _disagreement(call: BenchmarkCall, results: Sequence[Buffer], right: Sequence[Buffer]) -> str | None:
    """How results differ by more than rounding does: that of sums grows with the root of how many terms they have."""
    factor = FACTORS["default"] * sqrt(_terms(call))
    for number, (one, other) in enumerate(zip(results, right, strict=True)):
        if one.shape != other.shape or one.dtype != other.dtype:
            return f"result {number} is {one.dtype}{list(one.shape)}, not {other.dtype}{list(other.shape)}"
        text = difference(one, other, unit(one.dtype), factor)
        if text is not None:
            return f"result {number}: {text}"
    return None


def _terms(call: BenchmarkCall) -> float:
    """About how many elements meet in one of a result."""
    operations = work_of(call.meta).operations
    results = max(1, max(meta.size for meta in call.meta.results))
    largest = max((meta.size for meta in call.meta.operands if meta is not None), default=1)
    sums_along = not call.meta.operation.name.startswith("dovetail::") or "cumulative" in call.meta.operation.name
    along = max((size for meta in call.meta.operands if meta is not None for size in meta.shape), default=1)
    return max(1.0, operations / results / 2 if operations else 0.0, largest / results, along if sums_along else 1.0)


def _runners(call: BenchmarkCall, one: Competitor) -> list[Callable[[], object]]:
    run: Any = one.run
    size = sum(array.nbytes for array in call.inputs if array is not None)
    count = max(1, min(ALTERNATIVES, ALTERNATIVES_BYTES // max(size, 1)))
    return [partial(run, *one.buffers(call.inputs)) for _ in range(count)]
