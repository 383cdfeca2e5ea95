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

_Choice: TypeAlias = tuple[tuple[bool, ...], dict[int, Fate]]
"""Which open changes of names were done, and the fates of the open changes of contents, by their places."""
_Outcome: TypeAlias = tuple[dict[str, bytes], frozenset[str]]
"""Files and folders."""


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
    before = -1
    for moment in range(len(events) + 1) if moments is None else moments:
        begun = tuple(event.save for event in events[:moment] if isinstance(event, SaveBegan))
        returned = tuple(event.save for event in events[:moment] if isinstance(event, SaveReturned))
        is_next = before == moment - 1 and not isinstance(events[moment - 1], SaveBegan | SaveReturned)
        before = moment
        for files, folders in _Moment(disk, moment, only_new=is_next).outcomes(random, limit):
            key = hash((tuple(sorted(files.items())), folders, begun, returned))
            if key not in seen:
                seen.add(key)
                yield State(moment, files, folders, begun, returned)


class _Moment:
    """What is durable at a moment, and what may or may not survive it.

    `only_new`: the outcomes at the moment before are known. What its event did must survive then, at least in part:
    everything else was an outcome before. After a sync there is nothing new.
    """

    def __init__(self, disk: Disk, moment: int, *, only_new: bool) -> None:
        self.disk, self.moment, self.only_new = disk, moment, only_new
        namings = [naming for naming in disk.namings if naming.made_at <= moment]
        self.open_namings = [naming for naming in namings if naming.durable_at > moment]
        self.naming_choices = _NamingChoices(len(self.open_namings), disk.rules.ordered)
        first_open = namings.index(self.open_namings[0]) if self.open_namings else len(namings)
        self.unsettled = namings[first_open:]
        self.settled: dict[int, dict[str, int]] = {number: {} for number in disk.folders}
        for naming in namings[:first_open]:
            rename(self.settled, naming.names)
        self.changes = {
            number: [change for change in made if change.made_at <= moment] for number, made in disk.contents.items()
        }
        self.open_changes = [(n, c) for n, made in self.changes.items() for c in made if c.durable_at > moment]
        self.new_naming = any(naming.made_at == moment for naming in self.open_namings)
        self.new_changes = [at for at, (_, change) in enumerate(self.open_changes) if change.made_at == moment]
        self._contents: dict[Hashable, bytes] = {}
        self._trees: dict[tuple[bool, ...], tuple[dict[str, int], frozenset[str], list[int]]] = {}

    def outcomes(self, random: Random, limit: int) -> Iterator[_Outcome]:
        """The files and folders of every choice, or of a sample."""
        if self.only_new and not self.new_naming and not self.new_changes:
            return
        plans = self._plans(limit)
        choices = (
            self._samples(random, limit)
            if plans is None
            else (
                (done, dict(zip(places, fates, strict=True)))
                for done, places, options in plans
                for fates in product(*options)
            )
        )
        for done, fates in choices:
            if not self.only_new or self._is_new(done, fates):
                yield self._outcome(done, fates)

    def _is_new(self, done: tuple[bool, ...], fates: Mapping[int, Fate]) -> bool:
        if self.new_naming:
            return done[-1]
        return any(fates.get(place, Fate.LOST) is not Fate.LOST for place in self.new_changes)

    def _plans(self, limit: int) -> list[tuple[tuple[bool, ...], list[int], list[tuple[Fate, ...]]]] | None:
        """Each choice of names, with the places of the changes of files that are there then, and their fates; None
        where these are more than `limit` choices."""
        if self.naming_choices.count > limit:
            return None
        plans, count, seen = [], 0, set()
        for done in self.naming_choices.all():
            if self.only_new and self.new_naming and not done[-1]:
                continue
            numbers, folders, places = self._tree(done)
            tree = (frozenset(numbers.items()), folders)
            if tree in seen:  # such as names in a folder that has none
                continue
            seen.add(tree)
            options = [self._fates(place) for place in places]
            count += prod(map(len, options))
            if count > limit:
                return None
            plans.append((done, places, options))
        return plans

    def _samples(self, random: Random, limit: int) -> Iterator[_Choice]:
        size, names = self.naming_choices.size + len(self.open_changes), self.naming_choices.size
        corners = [(kept, odd) for kept in (True, False) for odd in (None, *range(size))]
        random.shuffle(corners)
        for kept, odd in corners[:limit]:
            survives = [kept != (place == odd) for place in range(size)]
            done = self._with_new_naming(survives[:names])
            fates = {at: Fate.KEPT if survived else Fate.LOST for at, survived in enumerate(survives[names:])}
            yield done, self._with_new_change(fates, random)
        for _ in range(limit - len(corners)):
            share = random.choice((0.1, 0.5, 0.9))
            done = self._with_new_naming([random.random() < share for _ in range(names)])
            fates = {
                place: Fate.KEPT if random.random() < share else random.choice(self._fates(place))
                for place in self._tree(done)[2]
            }
            yield done, self._with_new_change(fates, random)

    def _with_new_naming(self, survives: list[bool]) -> tuple[bool, ...]:
        if self.only_new and self.new_naming:
            survives = [True] * len(survives) if self.disk.rules.ordered else [*survives[:-1], True]
        return self.naming_choices.nearest(survives)

    def _with_new_change(self, fates: dict[int, Fate], random: Random) -> dict[int, Fate]:
        if self.only_new and self.new_changes:
            place = random.choice(self.new_changes)
            if fates.get(place) is Fate.LOST:
                fates[place] = random.choice([fate for fate in self._fates(place) if fate is not Fate.LOST])
        return fates

    def _fates(self, place: int) -> tuple[Fate, ...]:
        return self.disk.rules.fates if self.open_changes[place][1].data is not None else (Fate.LOST, Fate.KEPT)

    def _outcome(self, done: tuple[bool, ...], fates: Mapping[int, Fate]) -> _Outcome:
        numbers, folders, places = self._tree(done)
        of_files: dict[int, list[Fate]] = {}
        for place in places:
            of_files.setdefault(self.open_changes[place][0], []).append(fates[place])
        return {path: self._content(n, tuple(of_files.get(n, ()))) for path, n in numbers.items()}, folders

    def _tree(self, done: tuple[bool, ...]) -> tuple[dict[str, int], frozenset[str], list[int]]:
        """Files by path, folders, and the places of the open changes of these files."""
        if done not in self._trees:
            numbers, folders = self._named(done)
            there = set(numbers.values())
            places = [place for place, (number, _) in enumerate(self.open_changes) if number in there]
            self._trees[done] = numbers, folders, places
        return self._trees[done]

    def _named(self, done: tuple[bool, ...]) -> tuple[dict[str, int], frozenset[str]]:
        folders = {number: dict(names) for number, names in self.settled.items()}
        left = iter(done)
        for naming in self.unsettled:
            if naming.durable_at <= self.moment or next(left):
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

    def _content(self, number: int, open_fates: tuple[Fate, ...]) -> bytes:
        """The bytes of a file with the fates of those of its changes that are open."""
        key = (number, open_fates)
        if key not in self._contents:
            changes = self.changes[number]
            left = iter(open_fates)
            fates = [next(left) if change.durable_at > self.moment else Fate.KEPT for change in changes]
            if self.disk.rules.ordered:
                lost = [at for at, change in enumerate(changes) if change.data is None and fates[at] is Fate.LOST]
                fates = fates if not lost else [*fates[: lost[0]], *(Fate.LOST for _ in fates[lost[0] :])]
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
