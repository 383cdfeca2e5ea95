"""Changes of a checkpoint's bytes, as a bad disk or a bad copy makes them, and what loading does about each."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

PAGE_BYTES = 4096
STALE_BYTES = (512, PAGE_BYTES)
EXAMPLES = 12
"""Misses of one batch that are told one by one; all are counted."""
BATCH_SECONDS = 60.0
_WRITTEN_BYTES = 1 << 18

Load: TypeAlias = Callable[[Path, Sequence[range]], Mapping[str, Any]]
"""Loads a checkpoint of which a file was damaged in some places: the digest, and the one that was expected, or the
error."""


@dataclass(frozen=True, slots=True)
class Damage:
    """`kind` says what is done to `file` (its place in the sorted list of files), `first` and `second` where."""

    kind: str
    file: int
    first: int
    second: int = 0

    def done_to(self, data: bytes, stale: bytes = b"") -> bytes:
        """The file's bytes afterwards; `stale` are those that it had in an earlier save."""
        if self.kind == "truncation":
            return data[: self.first]
        if self.kind == "extension":
            return data + bytes(self.first)
        changed = bytearray(data)
        for begin, part in self.patches(data, stale):
            changed[begin : begin + len(part)] = part
        return bytes(changed)

    def patches(self, data: bytes, stale: bytes = b"") -> list[tuple[int, bytes]]:
        """What stands at which places afterwards, where the file keeps its length."""
        first, second = self.first, self.second
        match self.kind:
            case "bit":
                return [(first, bytes([data[first] ^ 1 << second]))]
            case "burst":
                noise = Random(first * 65_537 + second).randbytes(second)
                return [(first, noise[: len(data) - first])]
            case "zeroed page":
                return [(first, bytes(min(PAGE_BYTES, len(data) - first)))]
            case "swapped blocks":
                one, other = sorted((first, second))
                size = min(512, other - one, len(data) - other)
                return [(one, data[other : other + size]), (other, data[one : one + size])]
            case "stale block":
                return [(first, stale[first : first + second][: len(data) - first])]
        raise ValueError(self.kind)


KEEPING_LENGTH = ("bit", "burst", "zeroed page", "swapped blocks", "stale block")
KINDS = ("bit", "truncation", "extension", "burst", "zeroed page", "swapped blocks", "stale block")


def every(kind: str, sizes: Sequence[int], random: Random, count: int) -> Iterator[Damage]:
    """All damages of a kind to files of these sizes, or `count` that are drawn where they have no end."""
    files = [place for place, size in enumerate(sizes) if size]
    match kind:
        case "bit":
            return (Damage(kind, f, place, bit) for f in files for place in range(sizes[f]) for bit in range(8))
        case "truncation":
            return (Damage(kind, f, length) for f in files for length in range(sizes[f]))
        case "extension":
            return (Damage(kind, f, length) for f in range(len(sizes)) for length in (1, PAGE_BYTES))
        case "zeroed page":
            return (Damage(kind, f, place) for f in files for place in range(0, sizes[f], PAGE_BYTES))
        case "burst":
            return (_burst(random, f, sizes[f]) for f in _drawn(random, sizes, count))
        case "swapped blocks":
            return (
                Damage(kind, f, random.randrange(sizes[f] // 512) * 512, random.randrange(sizes[f] // 512) * 512)
                for f in _drawn(random, [size // 512 * 512 for size in sizes], count)
            )
        case "stale block":
            return (
                Damage(kind, f, random.randrange(-(-sizes[f] // size)) * size, size)
                for f in _drawn(random, sizes, count)
                if (size := random.choice(STALE_BYTES))
            )
    raise ValueError(kind)


def _drawn(random: Random, sizes: Sequence[int], count: int) -> Iterator[int]:
    """Files, the longer the more often."""
    if any(sizes):
        yield from random.choices(range(len(sizes)), sizes, k=count)


def _burst(random: Random, file: int, size: int) -> Damage:
    return Damage("burst", file, random.randrange(size), random.randint(2, 64))


def try_damage(root: Path, damages: Sequence[Damage], load: Load, progress: Path, stale: Path) -> dict[str, Any]:
    """Counts what loading gives after each damage: "refused", "unchanged" (exactly what was saved), "wrong" (other
    values, without a word), "untyped" (an error that callers aren't told to expect). The place of the damage that is
    being tried stands in the file `progress`, for when it ends this process. It stops after a while: `tried` says after
    how many. The folder `stale` has an earlier save in files of the same names."""
    files = files_of(root)
    sound = [file.read_bytes() for file in files]
    earlier = [_bytes_of(stale / file.relative_to(root)) for file in files]
    counts: Counter[str] = Counter()
    examples: list[Any] = []
    slowest, began, tried = 0.0, time.monotonic(), 0
    for place, damage in enumerate(damages):
        if time.monotonic() - began > BATCH_SECONDS:
            break
        progress.write_text(str(place))
        tried = place + 1
        with _done(damage, files[damage.file], sound[damage.file], earlier[damage.file]) as changed:
            if not changed:
                counts["no damage"] += 1
                continue
            started = time.perf_counter()
            found = load(files[damage.file], changed)
            slowest = max(slowest, time.perf_counter() - started)
        outcome = judged(found)
        counts[outcome] += 1
        if outcome in ("wrong", "untyped") and len(examples) < EXAMPLES:
            where = files[damage.file].relative_to(root).as_posix()
            examples.append([outcome, where, *astuple(damage), found.get("error")])
    return {"tried": tried, "counts": counts, "examples": examples, "slowest_seconds": slowest}


@contextmanager
def _done(damage: Damage, file: Path, sound: bytes, stale: bytes) -> Iterator[list[range]]:
    """A damage done to a file until the end, and which of its bytes may be others than before."""
    if damage.kind not in KEEPING_LENGTH:
        data = damage.done_to(sound, stale)
        rewrite(file, sound, data)
        try:
            yield [range(min(len(data), len(sound)), max(len(data), len(sound)))] if data != sound else []
        finally:
            rewrite(file, data, sound)
        return
    patches = [(at, part) for at, part in damage.patches(sound, stale) if sound[at : at + len(part)] != part]
    places = [range(at, at + len(part)) for at, part in patches]
    _patch(file, patches)
    try:
        yield places
    finally:
        _patch(file, [(place.start, sound[place.start : place.stop]) for place in places])


def judged(found: Mapping[str, Any]) -> str:
    if "digest" in found:
        return "unchanged" if found["digest"] == found["expected"] else "wrong"
    return "refused" if found["error"]["expected"] else "untyped"


def _bytes_of(file: Path) -> bytes:
    """What is in a file; nothing, where there is none."""
    return file.read_bytes() if file.is_file() else b""


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _patch(file: Path, patches: Sequence[tuple[int, bytes]]) -> None:
    with file.open("r+b", buffering=0) as opened:
        for at, part in patches:
            os.pwrite(opened.fileno(), part, at)


def rewrite(file: Path, before: bytes, after: bytes) -> None:
    """Changes a file's bytes in place, as damage does; only parts that differ are written."""
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.ftruncate(descriptor, len(after))
        for begin in range(0, len(after), _WRITTEN_BYTES):
            part = slice(begin, begin + _WRITTEN_BYTES)
            if before[part] != after[part]:
                os.pwrite(descriptor, after[part], begin)
    finally:
        os.close(descriptor)
