"""The states of a disk after a power cut at any moment: all of them where they are few, else a sample."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from random import Random
from typing import TypeAlias

from .disk import POSIX, ROOT, Change, Disk, Fate, Rules, rename
from .events import Event, SaveBegan, SaveReturned

BLOCK_BYTES = 4096
_GARBLED = bytes(byte ^ 0xA5 for byte in range(256))

_Choice: TypeAlias = tuple[tuple[bool, ...], tuple[Fate, ...]]
"""Which pending changes of names were done, and the fate of each pending change of contents."""


@dataclass(frozen=True)
class State:
    """What a power cut after the first `moment` events left: `files` with their contents, and `folders`, by path.

    `begun` and `returned` are the saves that had begun, and returned, in order.
    """

    moment: int
    files: Mapping[str, bytes]
    folders: frozenset[str]
    begun: tuple[Hashable, ...]
    returned: tuple[Hashable, ...]

    def write_to(self, folder: Path) -> None:
        """Puts the files and folders into a folder that is empty."""
        for path in sorted(self.folders):
            (folder / path).mkdir()
        for path, data in self.files.items():
            (folder / path).write_bytes(data)


def states(
    events: Sequence[Event],
    *,
    random: Random,
    limit: int,
    start: Mapping[str, bytes | None] | None = None,
    rules: Rules = POSIX,
    block_bytes: int = BLOCK_BYTES,
    moments: Iterable[int] | None = None,
) -> Iterator[State]:
    """Each state in which a power cut may leave a folder, at each moment of `events`, no two alike.

    Where a moment allows more than `limit` outcomes, `limit` of them are tried: those in which all, nothing, all but
    one, or only one of the changes survive, then others drawn by `random`. `start` holds the files (bytes) and folders
    (None) that are there, durably, before. A write is cut into blocks of `block_bytes`, each with a fate of its own.
    `moments` are numbers of events done; all of them, where it is left out.

    Raises: ValueError for an event of a path that isn't there.
    """
    disk = Disk.of(events, start or {}, rules, block_bytes)
    seen: set[int] = set()  # hashes: of a million states two distinct ones are taken for one with odds of 1 to 10⁷
    for moment in range(len(events) + 1) if moments is None else moments:
        begun = tuple(event.save for event in events[:moment] if isinstance(event, SaveBegan))
        returned = tuple(event.save for event in events[:moment] if isinstance(event, SaveReturned))
        after = _Moment(disk, moment)
        for choice in after.choices(random, limit):
            files, folders = after.outcome(choice)
            key = hash((tuple(sorted(files.items())), folders, begun, returned))
            if key not in seen:
                seen.add(key)
                yield State(moment, files, folders, begun, returned)


class _Moment:
    """What is durable at a moment, and what may or may not survive it."""

    def __init__(self, disk: Disk, moment: int) -> None:
        self.disk, self.moment = disk, moment
        self.namings = [naming for naming in disk.namings if naming.made_at <= moment]
        self.open_namings = [naming for naming in self.namings if naming.durable_at > moment]
        changes = {
            number: [change for change in made if change.made_at <= moment] for number, made in disk.contents.items()
        }
        self.changes = changes
        self.open_changes = [c for made in changes.values() for c in made if c.durable_at > moment]
        self._contents: dict[Hashable, bytes] = {}
        self._trees: dict[Hashable, tuple[dict[str, int], frozenset[str]]] = {}

    def choices(self, random: Random, limit: int) -> Iterator[_Choice]:
        namings = self._naming_choices()
        fates = [self._fates(change) for change in self.open_changes]
        if namings.count * prod(map(len, fates)) <= limit:
            yield from product(namings.all(), product(*fates))
            return
        for _, choice in zip(range(limit), self._samples(namings, fates, random), strict=False):
            yield choice

    def _samples(self, namings: _NamingChoices, fates: Sequence[tuple[Fate, ...]], random: Random) -> Iterator[_Choice]:
        """First the corners, in an order of their own each time; then without end what is drawn."""
        size = namings.size + len(fates)
        corners = [(kept, odd) for kept in (True, False) for odd in (None, *range(size))]
        random.shuffle(corners)
        for kept, odd in corners:
            survives = [kept != (place == odd) for place in range(size)]
            names = namings.nearest(survives[: namings.size])
            yield names, tuple(Fate.KEPT if survived else Fate.LOST for survived in survives[namings.size :])
        while True:
            share = random.choice((0.1, 0.5, 0.9))
            names = namings.nearest([random.random() < share for _ in range(namings.size)])
            yield names, tuple(Fate.KEPT if random.random() < share else random.choice(each) for each in fates)

    def _naming_choices(self) -> _NamingChoices:
        return _NamingChoices(len(self.open_namings), self.disk.rules.ordered)

    def _fates(self, change: Change) -> tuple[Fate, ...]:
        return self.disk.rules.fates if change.data is not None else (Fate.LOST, Fate.KEPT)

    def outcome(self, choice: _Choice) -> tuple[dict[str, bytes], frozenset[str]]:
        """The files and folders of one choice."""
        done, fates = choice
        if done not in self._trees:
            self._trees[done] = self._tree(done)
        numbers, folders = self._trees[done]
        fate_of = dict(zip(map(id, self.open_changes), fates, strict=True))
        return {path: self._content(number, fate_of) for path, number in numbers.items()}, folders

    def _tree(self, done: tuple[bool, ...]) -> tuple[dict[str, int], frozenset[str]]:
        folders: dict[int, dict[str, int]] = {number: {} for number in self.disk.folders}
        survived = {id(naming) for naming, kept in zip(self.open_namings, done, strict=True) if kept}
        for naming in self.namings:
            if naming.durable_at <= self.moment or id(naming) in survived:
                rename(folders, naming.names)
        found: dict[str, int] = {}
        below: set[str] = set()
        waiting = [("", ROOT)]
        while waiting:
            prefix, folder = waiting.pop()
            for name, number in folders[folder].items():
                if number in folders:
                    below.add(prefix + name)
                    waiting.append((f"{prefix}{name}/", number))
                else:
                    found[prefix + name] = number
        return found, frozenset(below)

    def _content(self, number: int, fate_of: Mapping[int, Fate]) -> bytes:
        changes = self.changes[number]
        fates = tuple(fate_of.get(id(change), Fate.KEPT) for change in changes)
        if self.disk.rules.ordered:
            lost = [place for place, change in enumerate(changes) if change.data is None and fates[place] is Fate.LOST]
            fates = fates if not lost else (*fates[: lost[0]], *(Fate.LOST for _ in fates[lost[0] :]))
        key = (number, fates)
        if key not in self._contents:
            self._contents[key] = content(changes, fates)
        return self._contents[key]


def content(changes: Iterable[Change], fates: Iterable[Fate]) -> bytes:
    """The bytes of a file to whose changes this happened."""
    data = bytearray()
    for change, fate in zip(changes, fates, strict=True):
        if fate is Fate.LOST:
            continue
        if change.data is None:
            del data[change.offset :]
            data.extend(bytes(change.offset - len(data)))
            continue
        data.extend(bytes(max(0, change.offset - len(data))))
        data[change.offset : change.offset + len(change.data)] = _MADE[fate](change.data)
    return bytes(data)


_MADE: dict[Fate, Callable[[bytes], bytes]] = {
    Fate.KEPT: bytes,
    Fate.ZEROED: lambda data: bytes(len(data)),
    Fate.GARBLED: lambda data: data.translate(_GARBLED),
}


@dataclass(frozen=True)
class _NamingChoices:
    """Which of the last `size` changes of names survive: any, or (in order) those before some moment."""

    size: int
    ordered: bool

    @property
    def count(self) -> int:
        return self.size + 1 if self.ordered else 1 << self.size

    def all(self) -> Iterator[tuple[bool, ...]]:
        if self.ordered:
            return (tuple(place < kept for place in range(self.size)) for kept in range(self.size + 1))
        return product((True, False), repeat=self.size)

    def nearest(self, survives: list[bool]) -> tuple[bool, ...]:
        """What is allowed of a choice: in order, no change survives another that didn't."""
        if self.ordered and False in survives:
            first = survives.index(False)
            return tuple(place < first for place in range(self.size))
        return tuple(survives)
