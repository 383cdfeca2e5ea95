"""Saving while the program goes on: a thread writes what a tree held when the save was asked for.

A failure is never lost: it is raised by `result()`, or else by the next save in the background or the next wait, or
else printed when the program ends."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from dovetail_protocols.errors import CheckpointError

from .commit import Durability
from .object_tree import Flattened, flatten
from .saving import Receipt, SaveOptions, parts_of, refuse_stateless, save_to
from .snapshot import snapshot
from .storage import FileSystem, locate
from .threads import started
from .writing import Digest

Held = TypeVar("Held")


class PendingSave:
    """A save under way in a thread of its own. The program does not end before it has.

    Where the system has no room for a thread it is made at once, and then it has ended already.
    """

    def __init__(self, where: str, work: Callable[[], Receipt]) -> None:
        self.where = where
        self._process = os.getpid()
        self._receipt: Receipt | None = None
        self._error: BaseException | None = None
        _unheard.add(self)
        self._thread = started(lambda: self._run(work), name=f"save of {where}")
        if self._thread is None:
            self._run(work)

    def __repr__(self) -> str:
        state = "under way" if not self.done() else "failed" if self._error else "saved"
        return f"<save of {self.where!r}: {state}>"

    def _run(self, work: Callable[[], Receipt]) -> None:
        try:
            self._receipt = work()
            _unheard.discard(self)
        except BaseException as error:  # noqa: BLE001 - whatever it was, it is raised where somebody hears of it
            error.add_note(f"while {self.where} was saved in the background")
            self._error = error

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._thread is None or not self._thread.is_alive()

    def result(self, timeout_seconds: float | None = None) -> Receipt:
        """The receipt, once the checkpoint is durable.

        Raises: TimeoutError; what `save` raises, with the thread's own traceback; CheckpointError in a forked process,
        where the thread is not.
        """
        if os.getpid() != self._process:
            raise CheckpointError(
                "this save belongs to another process", where=self.where, got=f"a fork of process {self._process}"
            )
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        if not self.done():
            raise TimeoutError(f"the save of {self.where} has not ended after {timeout_seconds} seconds")
        _unheard.discard(self)
        if self._error is not None:
            raise self._error
        assert self._receipt is not None, "a save gives a receipt or an error"
        return self._receipt

    def wait(self) -> None:
        """Returns once it has ended; in a forked process at once, for the thread is not there.

        Raises: what it failed with, if nobody was told yet.
        """
        if os.getpid() != self._process:
            return
        if self._thread is not None:
            self._thread.join()
        if self in _unheard:
            self.result()


class Saver:
    """Saves in the background, one after the other: the next waits for the last, so that memory stays bounded. Threads
    that ask at once get theirs one after the other too."""

    def __init__(self) -> None:
        self._last: PendingSave | None = None
        self._turn, self._process = threading.RLock(), os.getpid()

    def start(self, where: str, hold: Callable[[], Held], write: Callable[[Held], Receipt]) -> PendingSave:
        """Starts to write what `hold` gives, which waits until nothing else is under way.

        Raises: what `hold` raises; nothing is started then.
        """
        with self._exclusive():
            held = hold()
            self._last = PendingSave(where, lambda: write(held))
            return self._last

    def held(self, flattened: Flattened) -> Flattened:
        """What a tree holds once nothing is under way.

        Raises: what the last save failed with, if nobody was told yet.
        """
        self.wait()
        return snapshot(flattened)

    def wait(self) -> None:
        """Returns once nothing is under way.

        Raises: what the last save failed with, if nobody was told yet.
        """
        with self._exclusive():
            while (last := self._last) is not None:  # another, where a signal's handler saved meanwhile
                try:
                    last.wait()
                finally:
                    if self._last is last:
                        self._last = None

    def _exclusive(self) -> AbstractContextManager[object]:
        """For one thread at a time. In a forked process it begins anew: who had it is not there."""
        if self._process != os.getpid():
            self._turn, self._process = threading.RLock(), os.getpid()
        return self._turn


_unheard: set[PendingSave] = set()
"""Saves under way, and those that failed while nobody was told."""
_saver = Saver()


def save_async(
    path: str | os.PathLike[str],
    tree: Any,
    *,
    step: int | None = None,
    overwrite: bool = False,
    durability: Durability = "power-loss",
    shard_bytes: int | None = None,
    digests: Sequence[Digest] = ("crc32", "sha256"),
    paranoid: bool = False,
    metrics: Mapping[str, float] | None = None,
    versions: Mapping[str, int] | None = None,
    find_nonfinite: bool = False,
    file_system: FileSystem | None = None,
) -> PendingSave:
    """`save` in the background: returns as soon as the tree may be changed, before anything is written.

    Arrays are copied for that; the buffers of variables and tensors are only held until they are written. `result()`
    waits for the receipt. A second call waits for the save that is under way; the program does not end before it. Where
    the system has no room for a thread, all is written before the call returns.

    Raises: StructureError, AttributeValueError and UninitializedError at once; what an earlier save in the background
    failed with, if nobody was told.
    """
    options = SaveOptions(
        step, overwrite, durability, shard_bytes, digests, paranoid, metrics, versions, find_nonfinite
    ).checked()
    target = locate(path, file_system)
    flattened = flatten(tree)
    refuse_stateless(flattened)
    parts_of(flattened)
    return _saver.start(str(target), lambda: _saver.held(flattened), lambda kept: save_to(target, kept, options))


def _tell_at_exit() -> None:
    """Prints what nobody was told: the last chance to say it. (An exit status can't be changed any more.)"""
    for one in list(_unheard):
        if one.done() and one._error is not None:
            print(f"dovetail: {one.where} was NOT saved:", file=sys.stderr)
            traceback.print_exception(one._error)


def _forget_in_child() -> None:
    """In a forked process the threads are not, and their failures are the parent's to tell."""
    _unheard.clear()


atexit.register(_tell_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
