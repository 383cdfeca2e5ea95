"""A communicator between processes of one machine, over sockets that only this machine reaches.

Rank 0 listens; the others find it by a file that it writes, with a token that they must know. A process that ends
closes its sockets, however it ends, so the others learn of it at once.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, final

from dovetail_protocols.errors import CommunicatorError

_HEAD_BYTES = 9
_VALUE, _LOSS = b"v", b"x"
_LOOK_AGAIN_SECONDS = 0.01
_INTRODUCTION_SECONDS, _INTRODUCTION_BYTES = 5.0, 4096
"""What somebody who has not shown the token yet may take up."""


@final
class ProcessCommunicator:
    """One rank of a group of processes, each of which makes one with the same `meeting_point`: the path of a file that
    is not there yet, in a folder that only the user can write to. It is a `Communicator`.

    Use it in a `with`, or close it.

    Raises: CommunicatorError where not all ranks have come in `timeout_seconds`; that is also the longest that a rank
    waits for others later on.
    """

    def __init__(
        self, meeting_point: str | os.PathLike[str], rank: int, world_size: int, *, timeout_seconds: float = 600.0
    ) -> None:
        self._rank, self._world_size, self._timeout_seconds = rank, world_size, timeout_seconds
        self._others: dict[int, socket.socket] = {}
        self._loss: str | None = None
        deadline = time.monotonic() + timeout_seconds
        try:
            if rank == 0:
                self._receive_ranks(Path(meeting_point), deadline)
            else:
                self._others[0] = self._join(Path(meeting_point), deadline)
        except BaseException:
            self.close()
            raise

    @property
    def rank(self) -> int:
        return self._rank

    @property
    def world_size(self) -> int:
        return self._world_size

    def barrier(self) -> None:
        """Returns once every rank is here.

        Raises: CommunicatorError where one ended, or did not come in time.
        """
        self.gather(b"")
        self.broadcast(b"")

    def gather(self, value: bytes) -> Sequence[bytes] | None:
        """The values of all ranks by rank, on rank 0; None elsewhere.

        Raises: CommunicatorError.
        """
        self._require_whole()
        if self._rank:
            self._send(0, _VALUE, value)
            return None
        found = {0: value}
        deadline = time.monotonic() + self._timeout_seconds
        with selectors.DefaultSelector() as waiting:
            for rank, other in self._others.items():
                waiting.register(other, selectors.EVENT_READ, rank)
            while waiting.get_map():
                ready = waiting.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    late = ", ".join(str(key.data) for key in waiting.get_map().values())
                    raise self._lost(f"rank {late} did not come in {self._timeout_seconds:g} s")
                for key, _ in ready:
                    found[key.data] = self._received(key.data)
                    waiting.unregister(key.fileobj)
        return [found[rank] for rank in range(self._world_size)]

    def broadcast(self, value: bytes | None) -> bytes:
        """Rank 0's value, on every rank.

        Raises: CommunicatorError.
        """
        self._require_whole()
        if self._rank:
            return self._received(0)
        for rank in self._others:
            self._send(rank, _VALUE, value or b"")
        return value or b""

    def close(self) -> None:
        """Leaves the group; the others get a CommunicatorError where they would wait for this rank."""
        for other in self._others.values():
            other.close()
        self._others.clear()
        self._loss = self._loss or "it was closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    # ------------------------------------------------------------------ finding each other

    def _receive_ranks(self, meeting_point: Path, deadline: float) -> None:
        token = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0), backlog=self._world_size) as server:
            _publish(meeting_point, {"port": server.getsockname()[1], "token": token})
            try:
                while len(self._others) < self._world_size - 1:
                    server.settimeout(max(0.001, deadline - time.monotonic()))
                    try:
                        other, _ = server.accept()
                    except TimeoutError as error:
                        missing = [rank for rank in range(1, self._world_size) if rank not in self._others]
                        raise self._lost(f"rank {', '.join(map(str, missing))} did not come") from error
                    self._admit(other, token)
            finally:
                meeting_point.unlink(missing_ok=True)

    def _admit(self, other: socket.socket, token: str) -> None:
        """Takes in who knows the token; anybody else is turned away."""
        other.settimeout(_INTRODUCTION_SECONDS)
        try:
            said = json.loads(_frame(other, _INTRODUCTION_BYTES)[1])
            rank = said["rank"]
            is_one_of_us = secrets.compare_digest(said["token"], token) and 0 < rank < self._world_size
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            is_one_of_us = False
        if not is_one_of_us or rank in self._others:
            other.close()
            return
        other.settimeout(self._timeout_seconds)
        self._others[rank] = other
        self._send(rank, _VALUE, b"welcome")

    def _join(self, meeting_point: Path, deadline: float) -> socket.socket:
        cause: Exception | None = None
        while time.monotonic() < deadline:
            try:
                found = json.loads(meeting_point.read_text("utf-8"))
                joined = socket.create_connection(("127.0.0.1", found["port"]), deadline - time.monotonic())
                joined.sendall(_framed(_VALUE, json.dumps({"rank": self._rank, "token": found["token"]}).encode()))
                _frame(joined)
                joined.settimeout(self._timeout_seconds)
                return joined
            except (OSError, EOFError, ValueError) as error:  # rank 0 isn't there yet, or the file is an older one's
                cause = error
                time.sleep(_LOOK_AGAIN_SECONDS)
        raise self._lost(f"rank 0 was not found by {meeting_point}: {cause}") from cause

    # ------------------------------------------------------------------ talking

    def _send(self, rank: int, kind: bytes, value: bytes) -> None:
        try:
            self._others[rank].sendall(_framed(kind, value))
        except OSError as error:
            raise self._lost(f"rank {rank} has ended ({error})") from error

    def _received(self, rank: int) -> bytes:
        try:
            kind, value = _frame(self._others[rank])
        except TimeoutError as error:
            raise self._lost(f"rank {rank} did not come in {self._timeout_seconds:g} s") from error
        except (OSError, EOFError) as error:
            raise self._lost(f"rank {rank} has ended ({error})") from error
        if kind == _LOSS:
            raise self._lost(value.decode())
        return value

    def _require_whole(self) -> None:
        if self._loss is not None:
            raise self._lost(self._loss)

    def _lost(self, cause: str) -> CommunicatorError:
        """The error for a group that isn't whole any more; rank 0 tells the others."""
        if self._rank == 0 and self._loss is None:
            for other in self._others.values():
                try:
                    other.sendall(_framed(_LOSS, cause.encode()))
                except OSError:
                    continue  # that is the one
        self._loss = cause
        return CommunicatorError(
            "processes that work together have lost each other",
            where=f"rank {self._rank} of {self._world_size}",
            cause=cause,
        )


def _publish(path: Path, facts: object) -> None:
    """Writes a file that appears whole, and that only its owner can read."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(facts, file)
    os.replace(draft, path)


def _framed(kind: bytes, value: bytes) -> bytes:
    return kind + len(value).to_bytes(_HEAD_BYTES - 1, "little") + value


def _frame(source: socket.socket, largest: int | None = None) -> tuple[bytes, bytes]:
    """The next message. Raises: EOFError where the other side has closed, ValueError for a message larger than
    `largest`, TimeoutError, OSError."""
    head = _exactly(source, _HEAD_BYTES)
    count = int.from_bytes(head[1:], "little")
    if largest is not None and count > largest:
        raise ValueError(f"a message of {count:,} bytes")
    return head[:1], _exactly(source, count)


def _exactly(source: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        received = source.recv(min(count - len(data), 1 << 20))
        if not received:
            raise EOFError("its socket is closed")
        data += received
    return bytes(data)
