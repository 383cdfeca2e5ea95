"""Communicators between threads and between processes: the same behavior, whatever carries it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail_checkpointing import ProcessCommunicator, run_threads
from dovetail_protocols.errors import CommunicatorError
from dovetail_protocols.roles import Communicator

Run = Callable[..., list[Any]]


def run_sockets(folder: Path) -> Run:
    """As `run_threads`, with the communicator of processes: its sockets do not care who holds them."""

    def run(world_size: int, work: Callable[[Any], Any], *, timeout_seconds: float = 30.0) -> list[Any]:
        def join(ranks: Communicator) -> Any:
            own = ProcessCommunicator(folder / "meeting", ranks.rank, world_size, timeout_seconds=timeout_seconds)
            with own:
                return work(own)

        return run_threads(world_size, join)

    return run


@pytest.fixture(params=["threads", "sockets"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    return run_threads if request.param == "threads" else run_sockets(tmp_path)


def test_values_are_gathered_in_order_and_given_to_all(run: Run) -> None:
    def work(ranks: Communicator) -> Any:
        assert isinstance(ranks, Communicator)
        gathered = [ranks.gather(bytes([ranks.rank + turn]) * 70_000) for turn in range(3)]
        ranks.barrier()
        told = [ranks.broadcast(bytes([turn]) if ranks.rank == 0 else None) for turn in range(3)]
        return ranks.world_size, gathered, told

    for rank, (world_size, gathered, told) in enumerate(run(4, work)):
        assert world_size == 4
        expected = [[bytes([other + turn]) * 70_000 for other in range(4)] for turn in range(3)]
        assert gathered == (expected if rank == 0 else [None] * 3)
        assert told == [b"\0", b"\1", b"\2"]


def test_one_rank_alone_waits_for_nobody(run: Run) -> None:
    assert run(1, lambda ranks: (ranks.gather(b"a"), ranks.broadcast(b"b"), ranks.barrier())) == [([b"a"], b"b", None)]


def test_barrier_holds_until_all_are_there(run: Run) -> None:
    come: list[int] = []

    def work(ranks: Communicator) -> int:
        come.append(ranks.rank)
        ranks.barrier()
        return len(come)

    assert run(5, work) == [5] * 5


def test_rank_that_ends_is_missed_at_once(run: Run) -> None:
    def work(ranks: Communicator) -> Any:
        if ranks.rank == 2:
            raise ZeroDivisionError("by accident")
        return ranks.gather(b""), ranks.broadcast(b"" if ranks.rank == 0 else None)

    results = run(3, work)
    assert isinstance(results[2], ZeroDivisionError)
    for result in results[:2]:
        assert isinstance(result, CommunicatorError)
        assert "rank 2" in str(result.cause)


def test_rank_that_does_not_come_in_time_is_named(run: Run) -> None:
    over = threading.Event()

    def work(ranks: Communicator) -> Any:
        if ranks.rank == 1:
            return over.wait(30)
        try:
            return ranks.gather(b"")
        finally:
            over.set()

    error = run(2, work, timeout_seconds=0.2)[0]
    assert isinstance(error, CommunicatorError)
    assert "rank 1 did not come in 0.2 s" in str(error)


def test_group_that_lost_a_rank_stays_lost(tmp_path: Path) -> None:
    def work(ranks: Communicator) -> Any:
        if ranks.rank == 1:
            return None
        for _ in range(2):
            with pytest.raises(CommunicatorError, match="rank 1"):
                ranks.barrier()
        return True

    assert run_sockets(tmp_path)(2, work) == [True, None]


def test_group_that_is_not_whole_in_time_names_who_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommunicatorError, match="rank 1, 2 did not come"):
        ProcessCommunicator(tmp_path / "meeting", 0, 3, timeout_seconds=0.05)
    with pytest.raises(CommunicatorError, match="rank 0 was not found"):
        ProcessCommunicator(tmp_path / "meeting", 1, 3, timeout_seconds=0.05)
    assert not list(tmp_path.iterdir())


def test_strangers_are_turned_away(tmp_path: Path) -> None:
    """Who does not know the token, or says too much, is no rank; the group finds itself all the same."""
    meeting = tmp_path / "meeting"

    def work(ranks: Communicator) -> Any:
        if ranks.rank == 1:
            while not meeting.exists():
                threading.Event().wait(0.001)
            port = json.loads(meeting.read_text())["port"]
            lie = b'{"rank": 1, "token": "none"}'
            for said in (b"v" + (1 << 40).to_bytes(8, "little"), b"v" + len(lie).to_bytes(8, "little") + lie):
                with socket.create_connection(("127.0.0.1", port)) as stranger:
                    stranger.sendall(said)
                    assert stranger.recv(1) == b""
        with ProcessCommunicator(meeting, ranks.rank, 2, timeout_seconds=30) as own:
            return own.broadcast(b"hello" if own.rank == 0 else None)

    assert run_threads(2, work) == [b"hello", b"hello"]
