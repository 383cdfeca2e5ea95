"""A pytest class that proves a communicator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .checks import communicators
from .kernel_suite import report
from .limits import Limits
from .limits_file import read_limits


def communicator_suite(
    run: communicators.Run,
    *,
    world_sizes: Sequence[int] = (1, 2, 5),
    patience_seconds: float = 60.0,
    limits: str | Path | Limits | None = None,
) -> type:
    """A test class that proves one communicator, to be bound to a name beginning with Test in a test module.

    `run(world_size, work)` makes a group, calls `work(communicator)` on each rank, and gives what that returned or
    raised, by rank; `work` can be pickled. `patience_seconds`: how long ranks may take to miss one that has ended.
    `limits` names a file of what is known to fail, and why, beside the file that calls this.

    Raises: LimitsError.
    """
    known = read_limits(limits)

    class CommunicatorSuite:
        """What Communicator promises."""

        def test_limits_are_current(self) -> None:
            report(known.problems())

        @known.each(world_size=world_sizes)
        def test_has_its_role(self, world_size: int) -> None:
            report(communicators.role_problems(run, world_size))

        @known.each(world_size=world_sizes, size=(0, 1, 1_000_000))
        def test_gather_gives_rank_0_every_value_by_rank(self, world_size: int, size: int) -> None:
            report(communicators.gather_problems(run, world_size, size))

        @known.each(world_size=world_sizes, size=(0, 1, 1_000_000))
        def test_broadcast_gives_every_rank_the_value_of_rank_0(self, world_size: int, size: int) -> None:
            report(communicators.broadcast_problems(run, world_size, size))

        @known.each(world_size=world_sizes)
        def test_rounds_are_kept_apart(self, world_size: int) -> None:
            report(communicators.rounds_problems(run, world_size))

        @known.each(world_size=world_sizes)
        def test_barrier_holds_until_all_have_come(self, world_size: int) -> None:
            report(communicators.barrier_problems(run, world_size))

        @known.each(world_size=[size for size in world_sizes if size > 1])
        def test_rank_that_has_ended_is_missed(self, world_size: int) -> None:
            report(communicators.loss_problems(run, world_size, patience_seconds))

    return CommunicatorSuite
