"""A lock between processes: a file that its holder has locked, with a line that says who that is.

The system drops the lock when the process ends, however it ends, so what a dead process left behind stops nobody.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from dovetail_protocols.errors import CheckpointBusyError

_log = logging.getLogger("dovetail.checkpointing")
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class FileLock:
    """The lock of one path, taken at construction.

    Raises: CheckpointBusyError naming the holder.
    """

    def __init__(self, path: Path, *, keep: bool) -> None:
        self._path, self._keep = path, keep
        self._descriptor = _locked(path)
        try:
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, _description().encode())
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Lets others in; once is enough."""
        if self._descriptor < 0:
            return
        try:
            if not self._keep:
                os.unlink(self._path)  # while it is locked: whoever waits on this file finds that it is gone
        except OSError as error:
            _log.warning("%s: the lock is released, but its file could not be removed (%s)", self._path, error)
        finally:
            descriptor, self._descriptor = self._descriptor, -1
            with suppress(OSError):  # the descriptor is gone all the same, and the lock with it
                os.close(descriptor)


def _locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, _OPEN, 0o666)
        try:
            _lock(descriptor, path)
            if _is_still(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last holder removed it while we opened it


def _lock(descriptor: int, path: Path) -> None:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise _busy(path, descriptor) from error
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _busy(path, descriptor) from error
    except OSError as error:
        _log.warning("%s: this storage has no locks (%s); a second writer would not be noticed", path, error.strerror)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _busy(path: Path, descriptor: int) -> CheckpointBusyError:
    return CheckpointBusyError(
        "somebody else is writing there",
        where=str(path.parent),
        got=_holder(descriptor),
        effect="nothing was written",
        fix="wait until it has finished, or write to another folder",
    )


def _holder(descriptor: int) -> str:
    try:
        read = json.loads(os.read(descriptor, 4096))
        return f"process {int(read['pid'])} on {str(read['host'])[:64]}, since {str(read['since'])[:32]}"
    except (ValueError, KeyError, TypeError, OSError):
        return "a process that has not said yet who it is"


def _description() -> str:
    since = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "boot": _boot(), "since": since}) + "\n"


def _boot() -> str | None:
    """Which start of the machine this is, so that a number of an earlier one isn't taken for a process of today."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None
