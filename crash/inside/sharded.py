"""Checkpoints that three ranks write together, one replacing the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crash.inside.workloads import Recorder, Workload, loads_folder, replaces_folder, tree
from dovetail_checkpointing import Shard, ThreadCommunicator, even_slices, run_threads, save_sharded

NAME = "saves of three ranks"
RANKS = 3


def parts(number: int, rank: int) -> dict[str, Any]:
    """What one rank has of what save `number` saves."""
    whole = tree(number)
    kernel = whole["model"]["kernel"]
    part = even_slices(kernel.shape, 0, rank, RANKS)
    whole["model"]["kernel"] = Shard(kernel[part], [one.start for one in part], kernel.shape)
    return whole


def sharded() -> Iterator[Workload]:
    """Three saves to one place."""
    recorder = Recorder(lambda storage: storage)
    for number in (1, 2, 3):
        recorder.save(number, lambda n=number: _save(recorder, n))  # type: ignore[misc] # mypy can't see into lambdas with defaults
    yield Workload(NAME, recorder.events, loads_folder("run/c"), replaces_folder)


def _save(recorder: Recorder, number: int) -> None:
    def run(ranks: ThreadCommunicator) -> None:
        storage = recorder.process()
        save_sharded("run/c", parts(number, ranks.rank), communicator=ranks, overwrite=True, file_system=storage)

    for result in run_threads(RANKS, run, timeout_seconds=60):
        if isinstance(result, BaseException):
            raise result
