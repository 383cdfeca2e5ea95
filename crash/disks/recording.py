"""A file system whose disk is recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from crash.disks.file_systems import CannotMount, FileSystem, is_missing, unmount
from crash.disks.images import copy
from crash.tracing import scratch
from crash.worker_process import ROOT

_READY_SECONDS = 60.0
_MEMORY = Path("/dev/shm")


class CannotRecordDisk(Exception):
    """There can be no recording disk here."""


@dataclass(frozen=True)
class Recording:
    """`root`: the mounted file system. `base`: its disk as it was before that; `log`: what came to it since."""

    root: Path
    base: Path
    log: Path

    def place(self) -> int:
        """The present place in the log, to be looked up in what `read` gives."""
        return self.log.stat().st_size


@cache
def why_not(kind: FileSystem) -> str | None:
    """Why no disk under this file system can be recorded here, or None where one can."""
    if os.geteuid() != 0:
        return f"{kind}: only root may mount it"
    if find_spec("mfusepy") is None:
        return f"{kind}: mfusepy is not installed"
    if missing := is_missing(kind.maker, "mount", "umount", "fallocate"):
        return f"{kind}: {missing}"
    try:
        with in_memory() as home, recording(kind, home):
            return None
    except (OSError, CannotMount, CannotRecordDisk) as error:
        return f"{kind}: {error}"


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder in memory, where there is such a place, until the end."""
    home = scratch(_MEMORY if os.access(_MEMORY, os.W_OK) else None)
    try:
        yield home
    finally:
        shutil.rmtree(home)


@contextmanager
def recording(kind: FileSystem, home: Path) -> Iterator[Recording]:
    """A new file system, mounted from a disk in a folder, which is recorded from now on.

    Raises: CannotRecordDisk, CannotMount, OSError.
    """
    found = Recording(home / "root", home / "base", home / "log")
    kind.make(found.base)
    copy(found.base, home / "image")
    found.log.touch()
    found.root.mkdir()
    with _served(home) as disk, kind.mounted(disk, found.root):
        yield found


@contextmanager
def _served(home: Path) -> Iterator[Path]:
    """The file that the recording disk is seen as."""
    folder = home / "served"
    folder.mkdir()
    disk = folder / "disk"
    command = [sys.executable, "-m", "crash.disks.server", *map(str, (disk, home / "image", home / "log"))]
    # a session of its own: what interrupts us must not end the disk while something is mounted from it
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while not os.path.ismount(folder):
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                said = server.communicate()[0].decode(errors="replace")
                raise CannotRecordDisk(f"no disk by FUSE: {' '.join(said.split())[-300:]}")
            time.sleep(0.005)
        yield disk
    finally:
        if os.path.ismount(folder):
            unmount(folder)
        try:
            server.communicate(timeout=_READY_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.communicate()
