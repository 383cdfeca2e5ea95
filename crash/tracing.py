"""strace on a process that waits: which calls it makes, one of them that kills it, one of them that fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path

CHANGING = (
    *("openat", "open", "creat", "write", "pwrite64", "writev", "pwritev", "pwritev2", "fsync", "fdatasync", "syncfs"),
    *("sync_file_range", "msync", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "truncate", "ftruncate", "fallocate", "copy_file_range"),
    *("sendfile", "close", "flock", "fchmod", "chmod", "fchmodat", "utimensat"),
)
"""Calls that change files, or end the use of one. A process that is killed between two others leaves the same disk."""
FAILING = {
    "write": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "rename": ("EIO", "ENOSPC", "EDQUOT"),
    "openat": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "ftruncate": ("EIO", "ENOSPC", "EDQUOT"),
    "fallocate": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "mkdir": ("EIO", "ENOSPC", "EDQUOT"),
}
"""Errors that each call may give, by the first of the calls that are alike."""
ALIKE = {
    "write": ("write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "sendfile"),
    "fsync": ("fsync", "fdatasync", "syncfs", "msync", "sync_file_range"),
    "rename": ("rename", "renameat", "renameat2", "link", "linkat"),
    "openat": ("openat", "open", "creat"),
    "ftruncate": ("ftruncate", "truncate"),
    "fallocate": ("fallocate",),
    "mkdir": ("mkdir", "mkdirat"),
}
_CALL = re.compile(rb"(?:\d+ +)?(\w+)\(")


class CannotTrace(Exception):
    """strace isn't there, or may not trace."""


@cache
def why_not() -> str | None:
    """Why no process can be traced here, or None where one can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-f", "-e", "trace=none", "true"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"strace may not trace: {done.stderr.strip()[:200]}"


@cache
def known(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some calls that this machine's strace knows: some have no `open`, others no `pwritev2`."""
    return tuple(name for name in names if _is_known(name))


def _is_known(name: str) -> bool:
    done = subprocess.run(["strace", "-e", f"trace={name}", "true"], capture_output=True, check=False)
    return done.returncode == 0


class Trace:
    """strace attached to a process that waits, and to the threads and processes that it starts. `log` is its output.

    Raises: CannotTrace.
    """

    def __init__(self, pid: int, log: Path, *options: str) -> None:
        self.log = log
        deadline = time.monotonic() + 10
        while (rests := rests_so_far(pid)) is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        command = ["strace", "-f", "-qq", "-o", str(log), *options, "-p", str(pid)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # It has a tracer before that sees its calls: only once it was stopped, let go, and waits again.
        while (rests_so_far(pid) or 0) < (rests or 0) + 2:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                error = self._process.communicate()[1].decode().strip()
                raise CannotTrace(f"strace could not attach: {error[:200]}")
            time.sleep(0.0005)

    def ended(self) -> None:
        """Waits until strace has written all that it saw; the traced process has ended before.

        Raises: CannotTrace where strace failed.
        """
        try:
            error = self._process.communicate(timeout=60)[1].decode()
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        if self._process.returncode:
            raise CannotTrace(f"strace failed: {error.strip()[:200]}")


def rests_so_far(pid: int) -> int | None:
    """How often a process has stopped or waited, if it waits now."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0]) if "\nState:\tS" in status else None


def kill_before(name: str, which: int) -> tuple[str, ...]:
    """Options that kill a process before its `which`-th call of a name (first: 1)."""
    return ("-e", f"trace={name}", "-e", f"inject={name}:signal=SIGKILL:when={which}")


def fail(name: str, which: int, error: str) -> tuple[str, ...]:
    """Options by which the `which`-th call of a name does nothing and gives an error."""
    return ("-e", f"trace={name}", *injected(name, which, error))


def injected(name: str, which: int, error: str) -> tuple[str, ...]:
    """The same beside other calls that are traced, `name` among them."""
    return ("-e", f"inject={name}:error={error}:when={which}")


def count_calls(log: Path) -> Counter[str]:
    """How often each call stands in a log: the most of any thread, since strace counts each thread's apart."""
    counts: Counter[tuple[bytes, str]] = Counter()
    for line in log.read_bytes().splitlines():
        thread, _, rest = line.partition(b" ")
        if found := _CALL.match(rest.lstrip()):
            counts[thread, found[1].decode()] += 1
    most: Counter[str] = Counter()
    for (_, name), count in counts.items():
        most[name] = max(most[name], count)
    return most


def scratch(where: Path | None = None) -> Path:
    """A new folder for one trial, on the disk that is tried."""
    return Path(tempfile.mkdtemp(prefix="dovetail-crash-", dir=where or os.environ.get("DOVETAIL_CRASH_DIR")))
