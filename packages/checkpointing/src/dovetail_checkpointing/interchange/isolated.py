"""Reading foreign files in a process of its own, which gave up what reading doesn't need (see sandbox.py)."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dovetail_protocols import errors
from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError, DovetailError

from ..collecting import lock_name
from ..storage.locking import FileLock
from . import spool, strict_json
from .contents import Contents
from .files import opened
from .isolated_main import ERROR, PROGRESS
from .limits import ForeignLimits
from .stages import Stages

_PROGRAM = (
    "import json, sys; sys.path += json.loads(sys.argv[1]); "
    "from dovetail_checkpointing.interchange.isolated_main import main; main()"
)
_KEPT = ("LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
_SET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "HDF5_PLUGIN_PRELOAD": "::",
    "MIMALLOC_ARENA_RESERVE": "0",  # Python without the GIL would set a GiB aside, which no limit on memory takes back
}
_TOLD = 3
_LOOK_AGAIN_SECONDS, _PROGRESS_BYTES = 0.1, 64


@contextmanager
def reading(module: str, path: Path, limits: ForeignLimits, beside: Path, stages: Stages) -> Iterator[Contents]:
    """What the module of a format reads of a file. Its arrays wait in a folder next to `beside` until the block ends.

    Raises: what reading the file raises; CheckpointUnsafeError where the process died of it.
    """
    with _folder(beside) as folder:
        _run({"action": "read", "module": module, "path": str(path.absolute())}, folder, limits, stages)
        yield spool.read(folder, limits)


def write(
    module: str, path: Path, contents: Contents, *, overwrite: bool, limits: ForeignLimits, stages: Stages
) -> None:
    """Has the module of a format write a file.

    Raises: what writing the file raises.
    """
    with _folder(path) as folder:
        spool.write(folder, contents, stages)
        task = {"action": "write", "module": module, "path": str(path.absolute()), "overwrite": overwrite}
        _run(task, folder, limits, stages)


@contextmanager
def _folder(beside: Path) -> Iterator[Path]:
    """A folder of our own on the disk of the result, removed at the end; after a kill, by whoever collects what killed
    saves left."""
    name = f"{beside.name}.converting-{secrets.token_hex(4)}"
    folder = beside.absolute().with_name(f".tmp-{name}-{secrets.token_hex(8)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(lock_name(name)), keep=False)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _run(task: dict[str, Any], folder: Path, limits: ForeignLimits, stages: Stages) -> None:
    stages.begin()
    places = [place for place in sys.path if os.path.isabs(place) and place != str(Path.cwd())]
    told = json.dumps({**task, "folder": str(folder), "limits": asdict(limits), "tells": stages.are_told})
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _SET
    with (folder / "said").open("w+b") as said:
        try:
            with subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM, json.dumps(places), told],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment,
            ) as process:
                status = _waited_for(process, limits.seconds, folder, stages)
            _tell(folder / PROGRESS, stages)
        except subprocess.TimeoutExpired as error:
            raise CheckpointUnsafeError(
                "a file takes too long to read",
                where=task["path"],
                expected=f"at most {limits.seconds} seconds",
                fix="if you trust the file, pass limits=ForeignLimits(seconds=...)",
            ) from error
        said.seek(0)
        heard = said.read(1 << 16).decode("utf-8", "replace")
    if status == _TOLD:
        raise _told(folder / ERROR, limits)
    if status:
        raise CheckpointUnsafeError(
            "the process that reads foreign files died",
            where=task["path"],
            got=f"exit status {status}" if status > 0 else f"signal {-status}",
            cause=heard[-2000:].strip() or None,
            effect="nothing was written",
        )


def _waited_for(process: subprocess.Popen[bytes], seconds: float, folder: Path, stages: Stages) -> int:
    """The exit status of a process, which is killed where it takes too long or this one is interrupted.

    Raises: subprocess.TimeoutExpired.
    """
    ends_at = time.monotonic() + seconds
    try:
        while True:
            left = ends_at - time.monotonic()
            try:
                return process.wait(min(left, _LOOK_AGAIN_SECONDS) if stages.are_told else left)
            except subprocess.TimeoutExpired:
                if time.monotonic() >= ends_at:
                    raise
            _tell(folder / PROGRESS, stages)
    except BaseException:
        process.kill()
        raise


def _tell(path: Path, stages: Stages) -> None:
    """Passes on how far the other process says that it is; it may say anything."""
    try:
        with opened(path, beside=True) as file:
            done, size = map(int, file.read(_PROGRESS_BYTES).split())
    except (ValueError, OSError, CheckpointError):
        return  # nothing yet, or nothing that makes sense
    if 0 <= done <= size:
        stages.reach(done, size)


def _told(path: Path, limits: ForeignLimits) -> DovetailError:
    """An error of the other process, made anew here; only errors of ours are."""
    with opened(path, beside=True) as file:
        told = strict_json.parse(file.read(limits.header_bytes), limits, str(path))
    kind = getattr(errors, str(told.get("kind")), DovetailError)
    known = kind if isinstance(kind, type) and issubclass(kind, DovetailError) else DovetailError
    return known(str(told.get("what")), **{name: told.get(name) for name in DovetailError.FACTS})
