"""Communicators pass the suite that third parties use: between threads, and between processes."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dovetail_checkpointing import ProcessCommunicator, run_threads
from dovetail_conformance import communicator_suite
from dovetail_conformance.checks.communicators import rounds_problems

TIMEOUT_SECONDS = 60.0


def one_rank(place: Any, meeting_point: str, rank: int, world_size: int, work: Callable[[Any], Any]) -> None:
    """Runs some work in this process, and sends what came of it."""
    try:
        with ProcessCommunicator(meeting_point, rank, world_size, timeout_seconds=TIMEOUT_SECONDS) as ranks:
            place.send(work(ranks))
    except Exception as error:  # noqa: BLE001 - the suite judges it
        place.send(error)


def run_processes(world_size: int, work: Callable[[Any], Any]) -> list[Any]:
    spawning = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        places, processes = [], []
        for rank in range(world_size):
            here, there = spawning.Pipe(duplex=False)
            arguments = (there, str(Path(folder) / "meeting"), rank, world_size, work)
            processes.append(spawning.Process(target=one_rank, args=arguments))
            processes[-1].start()
            there.close()
            places.append(here)
        results = [place.recv() for place in places]
        for process in processes:
            process.join()
    return results


def run_sockets(world_size: int, work: Callable[[Any], Any]) -> list[Any]:
    """As `run_processes`, in threads, which start sooner: sockets do not care who holds them."""
    with tempfile.TemporaryDirectory() as folder:

        def join(ranks: Any) -> Any:
            meeting_point = Path(folder) / "meeting"
            with ProcessCommunicator(meeting_point, ranks.rank, world_size, timeout_seconds=TIMEOUT_SECONDS) as own:
                return work(own)

        return run_threads(world_size, join)


TestThreads = communicator_suite(run_threads)
TestSockets = communicator_suite(run_sockets)


def test_rounds_of_processes_are_kept_apart() -> None:
    """The one case of the suite that has all members; each case would start processes of its own."""
    assert rounds_problems(run_processes, 3) == []
