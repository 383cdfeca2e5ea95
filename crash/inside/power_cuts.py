"""Every state that a power cut may leave of the workloads, or a sample of them, each judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from random import Random

from crash.inside.loading import DistinctLoads, in_memory
from crash.inside.workloads import Workload
from dovetail_conformance.power_cut import POSIX, Rules, State, Verdict, states, verdict

CARRIED_ON = 200


@dataclass
class Outcome:
    """What became of the states of one workload. `examples` has the first of each kind that isn't sound.

    `loads`: of so many different checkpoints. `carried_on`: of so many states another save was made.
    """

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    loads: int = 0
    carried_on: int = 0
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        return set(self.counts) <= {Verdict.SOUND.value}

    @property
    def state_count(self) -> int:
        return self.counts.total()


def judge(workload: Workload, limit: int, seed: int, rules: Rules = POSIX, block_bytes: int = 4096) -> Outcome:
    """What is found in the states after each moment, about `limit` of each at most. In every 200th state the next
    process goes on."""
    outcome, load = Outcome(workload.name), DistinctLoads(workload.load)
    moments = range(workload.first_moment, len(workload.events) + 1)
    for place, state in enumerate(
        states(workload.events, random=Random(seed), limit=limit, rules=rules, block_bytes=block_bytes, moments=moments)
    ):
        found = load(state)
        kind = judged(state, found)
        outcome.counts[kind] += 1
        if kind == Verdict.SOUND.value and place % CARRIED_ON == 0:
            outcome.carried_on += 1
            found = workload.carry_on(in_memory(state))
            kind = kind if found == 99 else "stuck"
            outcome.counts[kind] += found != 99
        if kind != Verdict.SOUND.value:
            outcome.examples.setdefault(kind, _told(workload, state, found))
    outcome.loads = load.count
    return outcome


def judged(state: State, found: Hashable) -> str:
    """The verdict in a word. A checkpoint that is there under its name and refused is told apart from wrong values: a
    reader that checks noticed it, and it should not have come to that."""
    if isinstance(found, str) and found.startswith("refused"):
        return "refused"
    return verdict(state, lambda _: found).value


def total(outcomes: Iterable[Outcome]) -> Counter[str]:
    """Counts of several workloads together."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts += outcome.counts
    return counts


def _told(workload: Workload, state: State, found: Hashable) -> str:
    done = workload.events[max(0, state.moment - 1) : state.moment]
    names = ", ".join(sorted((*state.files, *(f"{folder}/" for folder in state.folders))))
    return f"after {state.moment} events ({done}): {found!r} of {state.returned} returned; there is {names}"
