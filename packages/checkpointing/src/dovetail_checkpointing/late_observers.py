"""Who waits for what: one observer for each object, however many restores wait for its attributes, and one for all
variables that are made meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import ReferenceType, WeakValueDictionary, ref

from dovetail_protocols import creation
from dovetail_protocols.roles import SupportsFirstUse, SupportsLateState, VariableLike

from .object_tree import Path


class Waiter(Protocol):
    """A restore that waits. Several are told in the order in which they began, so the last one's value stays."""

    def on_set(self, owner: Any, path: Path, name: str) -> None:
        """An attribute of an object that stood at a path was set."""

    def on_use(self) -> None:
        """A variable that was made since the restore began is about to be used for the first time."""


_lock = threading.RLock()
_depth = 0
_observers: WeakValueDictionary[int, _Observer] = WeakValueDictionary()
_waiters: dict[int, ReferenceType[Waiter]] = {}


@contextmanager
def restoring() -> Iterator[None]:
    """For the body of a `with`, no other thread restores late, and nothing that is used is looked for."""
    global _depth
    with _lock:
        _depth += 1
        try:
            yield
        finally:
            _depth -= 1


class _Observer:
    """What an object calls. It lives as long as the object, which holds it: so no other has the same id meanwhile."""

    def __init__(self, owner: SupportsLateState) -> None:
        self.owner = owner
        self.entries: dict[tuple[int, Path], Waiter] = {}

    def __call__(self, name: str) -> None:
        with restoring():
            for (_, path), waiter in list(self.entries.items()):
                waiter.on_set(self.owner, path, name)

    def __reduce__(self) -> Any:
        return type(None), ()  # nobody waits for a copy of the object


def observe(waiter: Waiter, owner: SupportsLateState, path: Path) -> None:
    """Tells a waiter when an attribute of an object is set. While the object lives, so does the waiter."""
    with _lock:
        observer = _observers.get(id(owner))
        if observer is None:
            observer = _observers[id(owner)] = _Observer(owner)
        observer.entries[id(waiter), path] = waiter
        owner.observe_state(observer)


def begin(waiter: Waiter) -> None:
    """Tells a waiter of variables that are used for the first time, until `end` or its end."""
    key = id(waiter)
    _waiters[key] = ref(waiter, lambda _: _forget(key))
    creation.watch(_on_made)


def end(waiter: Waiter) -> None:
    """Tells a waiter nothing any more."""
    with _lock:
        for observer in list(_observers.values()):
            kept = {key: other for key, other in observer.entries.items() if other is not waiter}
            if len(kept) < len(observer.entries):
                observer.entries = kept
                if not kept:
                    observer.owner.observe_state(None)
                    _observers.pop(id(observer.owner), None)
    _forget(id(waiter))


def _forget(key: int) -> None:
    """Without the lock: the collector calls it in any thread, at any moment."""
    _waiters.pop(key, None)
    if not _waiters:
        creation.unwatch(_on_made)
        if _waiters:  # another thread began meanwhile
            creation.watch(_on_made)


def _on_made(variable: VariableLike) -> None:
    if isinstance(variable, SupportsFirstUse):
        variable.before_first_use(_on_use)


def _on_use() -> None:
    with _lock:
        if _depth:
            return  # it is used by the very restore
        with restoring():
            for reference in list(_waiters.values()):
                waiter = reference()
                if waiter is not None:
                    waiter.on_use()
