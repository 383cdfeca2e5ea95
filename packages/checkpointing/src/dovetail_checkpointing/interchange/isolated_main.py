"""The process that reads foreign files, and writes those that need a library: started by isolated.py, told in JSON."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import CheckpointUnsafeError, DovetailError

from . import sandbox, spool
from .files import storage_error
from .limits import ForeignLimits
from .stages import Stages, counted

ERROR, PROGRESS = "error.json", "progress"


def main() -> None:
    """Does the one task that is told on the command line. Exit status 3: the error is in a file."""
    task: dict[str, Any] = json.loads(sys.argv[-1])
    limits, folder = ForeignLimits(**task["limits"]), Path(task["folder"])
    try:
        module = importlib.import_module(f"dovetail_checkpointing.interchange.{task['module']}")
        sandbox.enter(limits, allow_code_execution=task["module"] == "pytorch_code")
        with _stages(folder, tells=task["tells"]) as stages:
            _work(task, folder, limits, module, stages)
    except DovetailError as error:
        _report(folder, error)
    except OSError as error:
        _report(folder, storage_error(error, task["path"]))
    except MemoryError as error:
        _report(
            folder,
            CheckpointUnsafeError(
                "a file needs more memory than its reader may take",
                where=task["path"],
                expected=f"at most {limits.memory_bytes:,} bytes",
                cause=str(error) or None,
                fix="if you trust the file, pass limits=ForeignLimits(memory_bytes=...)",
            ),
        )


def _work(task: dict[str, Any], folder: Path, limits: ForeignLimits, module: Any, stages: Stages) -> None:
    if task["action"] == "read":
        with module.reading(Path(task["path"]), limits) as contents:
            spool.write(folder, contents, stages)
        return
    contents = spool.read(folder, limits)
    stages.begin(contents.size_bytes)
    module.write(Path(task["path"]), counted(contents, stages), overwrite=task["overwrite"])


@contextmanager
def _stages(folder: Path, *, tells: bool) -> Iterator[Stages]:
    """What tells in a file how far this process is."""
    if not tells:
        yield Stages(None)
        return
    with (folder / PROGRESS).open("wb", buffering=0) as file:

        def tell(done: int, size: int) -> None:
            file.seek(0)
            file.write(f"{done:20} {size:20}".encode())

        yield Stages(tell)


def _report(folder: Path, error: DovetailError) -> None:
    facts = {name: value if value is None else str(value) for name, value in vars(error).items() if name in error.FACTS}
    told = {"kind": type(error).__name__, "what": error.what, **facts}
    (folder / ERROR).write_text(json.dumps(told), "utf-8")
    sys.exit(3)
