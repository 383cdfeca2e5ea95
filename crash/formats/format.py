"""What an experiment needs to know of a checkpoint format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.payloads import Arrays


@dataclass(frozen=True)
class Way:
    """One way to save.

    `save(root, number, arrays)` makes the save of that number in a folder, over or beside the one before. `load(root)`
    gives the newest that there is and raises where there is none; `expected` is a checkpoint that can be loaded, for
    formats that read into what they are given. `load_places(root, expected, file, places)`, where a format can read
    parts: only those arrays that have bytes at some places of a file, or all where the places belong to no array.
    """

    save: Callable[[Path, int, Arrays], object]
    load: Callable[[Path, Arrays], Mapping[str, Any]]
    load_places: Callable[[Path, Arrays, Path, Sequence[range]], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Format:
    """A checkpoint format with the calls that its documentation shows.

    `ways` by name: "plain" saves to one path again and again, "steps" keeps several; others are a format's own.
    `refusals` are the errors that its callers are told to expect; empty where any will do. `busy` are those of them
    that tell that somebody else is saving, so that one tries again. `forks_warm` says that a process that has saved may
    be forked: no threads stay behind.
    """

    name: str
    distributions: tuple[str, ...]
    ways: Mapping[str, Way]
    calls: str
    refusals: tuple[type[Exception], ...] = ()
    busy: tuple[type[Exception], ...] = ()
    forks_warm: bool = True
