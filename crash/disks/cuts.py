"""What a power cut leaves on a disk with a volatile cache: all that was flushed, and any of what was written since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from crash.disks.log import Entry, Flush, Write

SECTOR_BYTES = 512
KINDS = {"in order": 20, "lost cache": 15, "first ones": 10, "some": 40, "torn": 15}
"""How often each is drawn. *in order*: a disk without a cache. *lost cache*: nothing since the flush. *first ones*: the
writes since then up to some one. *some*: any of them. *torn*: any, one of them with some of its sectors only."""

_DRAWS_IN_VAIN = 200

Sectors: TypeAlias = frozenset[int] | None
"""Which sectors of a write are on the disk; None: all."""


@dataclass(frozen=True, slots=True)
class Save:
    """A save under trial: how many entries the log had when it began, and when it had returned."""

    number: int
    began: int
    returned: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A disk after a power cut: the first `flushed` entries are on it, and `kept` of those that follow, in order."""

    moment: int
    kind: str
    flushed: int
    kept: tuple[tuple[int, Sectors], ...]

    @property
    def lost(self) -> int:
        """How many writes are not on the disk, or not whole."""
        return self.moment - self.flushed - sum(sectors is None for _, sectors in self.kept)

    def writes(self, entries: Sequence[Entry]) -> Iterator[tuple[int, bytes]]:
        """Offset and bytes of what came to the disk after the flush."""
        for index, sectors in self.kept:
            write = entries[index]
            assert isinstance(write, Write), "flushes are not kept"
            if sectors is None:
                yield write.offset, write.data
                continue
            for sector in sorted(sectors):
                begin = sector * SECTOR_BYTES
                yield write.offset + begin, write.data[begin : begin + SECTOR_BYTES]


def cut(entries: Sequence[Entry], moment: int, kind: str, random: Random) -> Cut:
    """The disk after a power cut at a moment, when so many entries had been made."""
    flushed = max((index + 1 for index in range(moment) if isinstance(entries[index], Flush)), default=0)
    written = list(range(flushed, moment))
    kept: dict[int, Sectors] = dict.fromkeys(written)
    if kind == "lost cache":
        kept = {}
    elif kind == "first ones":
        kept = dict.fromkeys(written[: random.randint(0, len(written))])
    elif kind in ("some", "torn"):
        share = random.choice((0.1, 0.5, 0.9))
        kept = {index: None for index in written if random.random() < share}
    if kind == "torn" and written:
        torn = random.choice(written)
        kept = dict(sorted((kept | {torn: _some_sectors(entries[torn], random)}).items()))
    return Cut(moment, kind, flushed, tuple(kept.items()))


def _some_sectors(write: Entry, random: Random) -> Sectors:
    """The first ones, or any, but neither all nor none of a write of more than one."""
    assert isinstance(write, Write), "flushes are not torn"
    sectors = range(-(-len(write.data) // SECTOR_BYTES))
    if len(sectors) < 2:
        return None
    count = random.randint(1, len(sectors) - 1)
    return frozenset(sectors[:count] if random.random() < 0.5 else random.sample(sectors, count))


def moments(saves: Sequence[Save], end: int, random: Random) -> Iterator[int]:
    """Moments without end: of a save drawn, half of them until it returns, half from then until the next begins; after
    the last save until `end`."""
    nexts = [*(save.began for save in saves[1:]), end]
    while True:
        save, following = random.choice(list(zip(saves, nexts, strict=True)))
        until_return = random.random() < 0.5
        yield random.randint(save.began, save.returned) if until_return else random.randint(save.returned, following)


def cuts(entries: Sequence[Entry], saves: Sequence[Save], random: Random) -> Iterator[Cut]:
    """Power cuts of a recorded disk, no two of them with the same writes on it and the same saves begun and returned.

    Ends when drawing finds no more.
    """
    found: set[object] = set()
    in_vain = 0
    for moment in moments(saves, len(entries), random):
        (kind,) = random.choices(list(KINDS), list(KINDS.values()))
        drawn = cut(entries, moment, kind, random)
        state = (begun_and_returned(saves, moment), _told_apart(entries, drawn))
        if state in found:
            in_vain += 1
            if in_vain == _DRAWS_IN_VAIN:
                return
            continue
        in_vain = 0
        found.add(state)
        yield drawn


def begun_and_returned(saves: Sequence[Save], moment: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of the saves that had begun, and that had returned, when so many entries had been made."""
    begun = tuple(save.number for save in saves if save.began <= moment)
    return begun, tuple(save.number for save in saves if save.returned <= moment)


def _told_apart(entries: Sequence[Entry], of: Cut) -> object:
    """The same for disks with the same writes: how many writes came to the disk in order, and which others."""
    in_order = sum(isinstance(entry, Write) for entry in entries[: of.flushed])
    since = [index for index in range(of.flushed, len(entries)) if isinstance(entries[index], Write)]
    whole = 0
    while whole < len(of.kept) and of.kept[whole] == (since[whole], None):
        whole += 1
    return in_order + whole, of.kept[whole:]
