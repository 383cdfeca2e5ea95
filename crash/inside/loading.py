"""Loading from the states of a power cut: each state is loaded that differs in something that a load looks at."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from dovetail_checkpointing import MemoryFileSystem
from dovetail_checkpointing.storage import ReadableFile
from dovetail_conformance.power_cut import State

Question = tuple[str, str]
"""What a load asks of storage: "list", "folder", "exists" or "file", and the path."""


class StateFileSystem:
    """A FileSystem of the files and folders of a state, which can't be changed. It notes what it was asked.

    While it `is_hidden` no folder can be listed, so that a Manager is made without looking for leftovers.
    """

    publishes_by_rename = True

    def __init__(self, state: State) -> None:
        self._state = state
        self.asked: list[Question] = []
        self.is_hidden = False

    def list_folder(self, path: PurePath) -> Sequence[str]:
        names = None if self.is_hidden else self._ask("list", path)
        if names is None:
            raise _error(errno.ENOENT, path)
        return list(names)

    def exists(self, path: PurePath) -> bool:
        return bool(self._ask("exists", path))

    def open_folder(self, path: PurePath) -> _StateFolder:
        if not self._ask("folder", path):
            raise _error(errno.ENOENT, path)
        return _StateFolder(self, path)

    def file(self, path: PurePath) -> bytes | None:
        found = self._ask("file", path)
        assert found is None or isinstance(found, bytes)
        return found

    def _ask(self, kind: str, path: PurePath) -> Any:
        question = (kind, path.as_posix())
        self.asked.append(question)
        return answer(self._state, question)

    def _refuse(self, path: PurePath, *_: Any, **__: Any) -> Any:
        raise _error(errno.EROFS, path)

    make_folder = create = sync_folder = remove_file = remove_folder = lock = _refuse

    def rename(self, source: PurePath, target: PurePath) -> None:
        self._refuse(source)

    def exchange(self, one: PurePath, other: PurePath) -> None:
        self._refuse(one)

    def free_bytes(self, path: PurePath) -> int | None:
        return None

    def mount(self, path: PurePath) -> PurePath | None:
        return None


class _StateFolder:
    def __init__(self, storage: StateFileSystem, path: PurePath) -> None:
        self._storage, self._path = storage, path

    def open(self, name: str) -> ReadableFile:
        data = self._storage.file(self._path / name)
        if data is None:
            raise _error(errno.ENOENT, self._path / name)
        memory = MemoryFileSystem()
        memory.create(PurePath("f"), 0).write(data)
        return memory.open_folder(PurePath()).open("f")

    def close(self) -> None: ...


def answer(state: State, question: Question) -> Hashable:
    """What a state answers."""
    kind, path = question
    if kind == "file":
        return state.files.get(path)
    if kind == "folder":
        return path in state.folders
    if kind == "exists":
        return path in state.folders or path in state.files
    if path not in state.folders:
        return None
    start = len(path) + 1
    below = (*state.files, *state.folders)
    return tuple(sorted(name[start:] for name in below if name.startswith(f"{path}/") and "/" not in name[start:]))


@dataclass
class _Node:
    """A question, and what comes after each answer; at the end, what the load gave."""

    question: Question | None = None
    found: Hashable = None
    after: dict[Hashable, _Node] = field(default_factory=dict)


class DistinctLoads:
    """Gives what a load gives of each state. Where a state answers every question of an earlier load alike, its outcome
    is given again: a load does nothing but ask and compute. `count` says how many were carried out."""

    def __init__(self, load: Callable[[StateFileSystem], Hashable]) -> None:
        self._load, self._first, self.count = load, _Node(), 0

    def __call__(self, state: State) -> Hashable:
        node = self._first
        while node.question is not None:
            after = node.after.get(answer(state, node.question))
            if after is None:
                return self._new(state)
            node = after
        return node.found if self.count else self._new(state)

    def _new(self, state: State) -> Hashable:
        storage = StateFileSystem(state)
        found = self._load(storage)
        self.count += 1
        node = self._first
        for question in storage.asked:
            assert node.question in (None, question), "a load does not ask the same again"
            node.question = question
            node = node.after.setdefault(answer(state, question), _Node())
        node.found = found
        return found


def in_memory(state: State) -> MemoryFileSystem:
    """A state as storage that can be written to."""
    memory = MemoryFileSystem()
    for folder in sorted(state.folders):
        memory.make_folder(PurePath(folder))
    for path, data in state.files.items():
        memory.create(PurePath(path), 0).write(data)
    return memory


def _error(number: int, path: PurePath) -> OSError:
    return OSError(number, os.strerror(number), str(path))
