"""How long launches may take, to decide what several threads are for."""

from __future__ import annotations

from dovetail_protocols.records import record

from ..kernels.kernel import Launch
from .schedule import Branch, Repeat, Stage, Step

FLOPS_PER_SECOND = 5e10
BYTES_PER_SECOND = 1.5e10
"""What one thread of a common machine does; only orders of magnitude count here."""

STAGE_SECONDS = 8e-6
"""Below this, handing tasks to threads that are awake costs about as much as it saves."""
CALL_SECONDS = 30e-6
"""Below this, waking threads isn't worth it for one call: it takes those that are awake."""
LOCKED_SECONDS = 20e-6
"""Below this, a call keeps the interpreter lock: getting it back may take longer than the call."""
TASK_SECONDS = 10e-6
ROUNDS = 8
"""How often a loop without a known number of rounds is taken to run."""


@record
class Work:
    """Seconds of one thread: of all launches, and of those in stages that are worth sharing."""

    total: float = 0.0
    shared: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.total + other.total, self.shared + other.shared)

    def __mul__(self, times: int) -> Work:
        return Work(self.total * times, self.shared * times)


def seconds_of_launch(launch: Launch) -> float:
    """An estimate. Of a launch that says nothing, tasks are taken to last as long as they should."""
    if not launch.flops and not launch.bytes:
        return TASK_SECONDS * launch.tasks
    return launch.flops / FLOPS_PER_SECOND + launch.bytes / BYTES_PER_SECOND


def worth_sharing(stage: Stage) -> bool:
    """Whether a stage has enough work, and enough tasks, for several threads."""
    tasks = sum(launch.tasks for launch in stage.launches)
    return tasks > 1 and sum(map(seconds_of_launch, stage.launches)) >= STAGE_SECONDS


def seconds_of(steps: tuple[Step, ...]) -> Work:
    """An estimate of steps, with all rounds of their loops."""
    result = Work()
    for step in steps:
        if isinstance(step, Stage):
            seconds = sum(map(seconds_of_launch, step.launches))
            result += Work(seconds, seconds if worth_sharing(step) else 0.0)
        elif isinstance(step, Repeat):
            result += seconds_of(step.body) * step.count
        elif isinstance(step, Branch):
            result += max(seconds_of(step.true), seconds_of(step.false), key=lambda work: work.total)
        else:
            rounds = ROUNDS if step.limit is None else min(ROUNDS, step.limit)
            # It may take any time, so that the interpreter lock is dropped whatever a round takes.
            result += seconds_of((*step.condition, *step.body)) * rounds + Work(LOCKED_SECONDS)
    return result
