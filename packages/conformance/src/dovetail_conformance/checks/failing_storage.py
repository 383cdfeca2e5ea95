"""Storage of which one call fails, as a full or broken disk does, for whatever writes through Python's own calls."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CALLS = ("mkdir", "rename", "replace", "link", "fsync", "truncate", "ftruncate")
"""Functions of os that fail before they do anything. A file that is opened for writing fails after it was made and
emptied, as where the disk is full from then on."""


class FailingStorage:
    """For the body of a `with`, the n-th call that writes below a folder raises OSError. `failed` says which it was."""

    def __init__(self, folder: Path, failing_call: int) -> None:
        self.folder, self.failing_call = os.fspath(folder), failing_call
        self.calls = 0
        self.failed: str | None = None
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> FailingStorage:
        opened: Any = builtins.open
        for module in (builtins, io):
            self._patch.setattr(module, "open", self._opening(opened, _mode_writes))
        self._patch.setattr(os, "open", self._opening(os.open, _flags_write))
        for name in CALLS:
            self._patch.setattr(os, name, self._calling(name, getattr(os, name)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._patch.undo()

    def _opening(self, original: Callable[..., Any], writes: Callable[..., bool]) -> Callable[..., Any]:
        def opening(path: Any, *arguments: Any, **keywords: Any) -> Any:
            ours = not isinstance(path, int) and os.fspath(path).startswith(self.folder)
            given = arguments or tuple(keywords[name] for name in ("mode", "flags") if name in keywords)
            fails = ours and writes(*given) and self._counted("opening a file")
            opened = original(path, *arguments, **keywords)
            if fails:
                if isinstance(opened, int):
                    os.close(opened)
                else:
                    opened.close()
                raise _full(path)
            return opened

        return opening

    def _calling(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def calling(path: Any, *arguments: Any, **keywords: Any) -> Any:
            ours = isinstance(path, int) or os.fspath(path).startswith(self.folder)
            if ours and self._counted(name):
                raise _full(path)
            return original(path, *arguments, **keywords)

        return calling

    def _counted(self, what: str) -> bool:
        """Whether this is the call that fails."""
        self.calls += 1
        if self.calls == self.failing_call:
            self.failed = f"call {self.calls}, {what},"
        return self.calls == self.failing_call


def _mode_writes(mode: str = "r", *_: Any) -> bool:
    return bool(set(mode) & set("wax+"))


def _flags_write(flags: int = 0, *_: Any) -> bool:
    return bool(flags & WRITING)


def _full(path: Any) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
