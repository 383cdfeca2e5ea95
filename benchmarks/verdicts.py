"""Which targets were reached, which were missed, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.comparison import compare, share_of_limit
from benchmarks.drivers.catalogue import OURS
from benchmarks.neighbors import BUSY
from benchmarks.results import WorkloadResult
from benchmarks.table import duration, mebibytes, render
from benchmarks.targets import TARGETS, Goal, Measure, Target


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found for a target: each measured workload's value of the must's measure and of the aim's.

    `missing` names the workloads of the target without a value, because they were not asked for or failed.
    """

    target: Target
    of_must: dict[str, float]
    of_aim: dict[str, float]
    missing: list[str] = field(default_factory=list)
    disturbed: bool = False  # other programs were busy meanwhile

    @property
    def decisive(self) -> str | None:
        """The workload that is furthest from the must; None if nothing was measured."""
        return max(self.of_must, key=lambda name: self.target.must.excess(self.of_must[name]), default=None)

    @property
    def excess(self) -> float | None:
        """By how much the decisive workload is above what the must allows; negative where it is within."""
        return None if self.decisive is None else self.target.must.excess(self.of_must[self.decisive])

    @property
    def is_must_met(self) -> bool:
        """Whether every workload was measured and reaches the must."""
        return not self.missing and self.excess is not None and self.excess <= 0

    @property
    def is_aim_met(self) -> bool:
        """Whether every workload reaches the aim as well."""
        values = self.of_aim.values()
        return (
            self.is_must_met
            and len(values) == len(self.of_must)
            and all(self.target.aim.excess(value) <= 0 for value in values)
        )

    @property
    def text(self) -> str:
        """In a few words."""
        return f"{self._judgement}, disturbed" if self.disturbed and self.of_must else self._judgement

    @property
    def _judgement(self) -> str:
        if self.excess is None:
            return "not measured"
        if self.excess > 0:
            return f"MISSED by {self.excess:.1%}" if self.excess < 1 else f"MISSED {1 + self.excess:.1f} times over"
        if self.missing:
            return f"not decided: {len(self.missing)} of {len(self.target.workloads)} not measured"
        return "aim met" if self.is_aim_met else "must met"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        target = self.target
        return {
            "target": target.title,
            "must": {"measure": target.must.measure.name.lower(), "value": target.must.value, "found": self.of_must},
            "aim": {"measure": target.aim.measure.name.lower(), "value": target.aim.value, "found": self.of_aim},
            "peers": list(target.peers),
            "missing": self.missing,
            "must_met": self.is_must_met,
            "aim_met": self.is_aim_met,
            "disturbed": self.disturbed,
            "verdict": self.text,
        }


def verdicts(results: Sequence[WorkloadResult], targets: Sequence[Target] = TARGETS) -> list[Verdict]:
    """The verdict on each target of which any workload was asked for."""
    by_name = {result.workload: result for result in results}
    return [_judge(target, by_name) for target in targets if set(target.workloads) & set(by_name)]


def _judge(target: Target, results: dict[str, WorkloadResult]) -> Verdict:
    of_must = _values(target, target.must, results)
    missing = [name for name in target.workloads if name not in of_must]
    disturbed = any((results[name].neighbors or 0.0) > BUSY for name in of_must)
    return Verdict(target, of_must, _values(target, target.aim, results), missing, disturbed)


def _values(target: Target, goal: Goal, results: dict[str, WorkloadResult]) -> dict[str, float]:
    found = {name: measured(results[name], goal.measure, target.peers) for name in target.workloads if name in results}
    return {name: value for name, value in found.items() if value is not None}


def measured(result: WorkloadResult, measure: Measure, peers: tuple[str, ...]) -> float | None:
    """Our value of a measure; None where it was not taken."""
    ours = result.drivers.get(OURS)
    match measure:
        case Measure.SPEED:
            comparison = compare(result, peers)
            return 1.0 / comparison.ratio.median if comparison else None
        case Measure.SHARE:
            return share_of_limit(result)
        case Measure.SECONDS:
            return ours.seconds if ours else None
        case Measure.ADDED:
            return median(result.added_seconds) if result.added_seconds else None
        case Measure.MEMORY:
            theirs = [result.drivers[name].step_bytes for name in peers if name in result.drivers]
            best = min((size for size in theirs if size), default=None)
            return ours.step_bytes / best if ours and ours.step_bytes and best else None
        case Measure.EXTRA:
            return ours.step_bytes if ours else None


def render_verdicts(found: Sequence[Verdict]) -> str:
    """A line for each verdict."""
    header = ["target", "must", "aim", "found", "where it decides", "verdict"]
    return render(header, [_row(verdict) for verdict in found])


def _row(verdict: Verdict) -> list[str]:
    target, decisive = verdict.target, verdict.decisive
    found = "–"
    if decisive is not None:
        found = text_of(target.must.measure, verdict.of_must[decisive])
        if target.aim.measure is not target.must.measure and decisive in verdict.of_aim:
            found += f", {text_of(target.aim.measure, verdict.of_aim[decisive])}"
    goals = [_bound(goal) for goal in (target.must, target.aim)]
    return [target.title, *goals, found, decisive or "–", verdict.text]


def _bound(goal: Goal) -> str:
    return ("≥ " if goal.measure.more_is_better else "≤ ") + text_of(goal.measure, goal.value)


def text_of(measure: Measure, value: float) -> str:
    """A value with its unit."""
    match measure:
        case Measure.SPEED | Measure.MEMORY:
            return f"{value:.2f}×"
        case Measure.SHARE:
            return f"{value:.1%} of limit"
        case Measure.SECONDS:
            return duration(value)
        case Measure.ADDED:
            return ("−" if value < 0 else "") + duration(abs(value))
        case Measure.EXTRA:
            return mebibytes(round(value))
