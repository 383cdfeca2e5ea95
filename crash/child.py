"""A process forked to make one save, in which it may be killed; it says through shared memory how far it got."""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import stat
import time
from collections.abc import Callable
from typing import Any

_TEXT_BYTES = 1 << 14
_READY = _TEXT_BYTES
"""The byte behind the text in which the child says that it waits, without a call that would be traced."""


class Child:
    """Forked from a process that has imported everything, so that a trial costs milliseconds; waits for `release`.

    Once it is made, it waits: what strace sees of it from then on belongs to the save.
    """

    def __init__(
        self,
        save: Callable[[], object],
        refusals: tuple[type[Exception], ...],
        file_limit: int | None = None,
        unsynced: str = "",
    ) -> None:
        self._shared = mmap.mmap(-1, _TEXT_BYTES + 1)
        gate, self._opener = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._opener)
            _run(gate, self._shared, save, refusals, file_limit, unsynced)
        os.close(gate)
        while not self._shared[_READY]:
            time.sleep(0.0002)

    def release(self, kill_after_seconds: float | None, timeout_seconds: float) -> dict[str, Any]:
        """Lets it save, and gives its end: `signal` (0 where it ended by itself), `returned`, `error`, `seconds`."""
        started = time.perf_counter()
        os.write(self._opener, b"g")
        os.close(self._opener)
        hung = False
        if kill_after_seconds is not None:
            time.sleep(kill_after_seconds)
            os.kill(self.pid, signal.SIGKILL)
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - started > timeout_seconds:
                hung = True
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
                break
            time.sleep(0.0005)
        text = self._shared[:_TEXT_BYTES].rstrip(b"\0")
        self._shared.close()
        outcome: dict[str, Any] = json.loads(text) if text else {"returned": False, "error": None}
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return outcome | {"signal": ended_by, "hung": hung, "seconds": time.perf_counter() - started}


def _run(
    gate: int,
    shared: mmap.mmap,
    save: Callable[[], object],
    refusals: tuple[type[Exception], ...],
    file_limit: int | None,
    unsynced: str,
) -> None:
    """The child's whole life. It never returns; `os._exit` keeps it from its parent's clean-up."""
    try:
        shared[_READY] = 1
        os.read(gate, 1)
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
        _leave_out(unsynced)
        save()
        outcome: dict[str, Any] = {"returned": True, "error": None}
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the outcome
        outcome = {"returned": False, "error": said(error, refusals)}
    text = json.dumps(outcome).encode()[:_TEXT_BYTES]
    shared[: len(text)] = text
    os._exit(0)


def _leave_out(unsynced: str) -> None:
    """Has os.fsync do nothing: with "everything", or with "folders" only. With "", nothing is left out."""
    sync = os.fsync

    def sync_some(file: Any) -> None:
        if unsynced == "folders" and not stat.S_ISDIR(os.stat(file).st_mode):
            sync(file)

    if unsynced:
        os.fsync = sync_some


def said(error: BaseException, refusals: tuple[type[Exception], ...]) -> dict[str, Any]:
    """An error as JSON: its `kind`, its `text`, and whether it is one that callers are told to `expect`."""
    expected = isinstance(error, refusals or BaseException)
    return {"kind": type(error).__name__, "text": str(error)[:600], "expected": expected}
