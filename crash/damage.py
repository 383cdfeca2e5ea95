"""Changes of a checkpoint's bytes, as a bad disk or a bad copy makes them, and what loading does about each."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random
from typing import Any

PAGE_BYTES = 4096
STALE_BYTES = (512, PAGE_BYTES)
EXAMPLES = 12
"""Misses of one batch that are told one by one; all are counted."""
BATCH_SECONDS = 60.0
_WRITTEN_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Damage:
    """`kind` says what is done to `file` (its place in the sorted list of files), `first` and `second` where."""

    kind: str
    file: int
    first: int
    second: int = 0

    def done_to(self, data: bytes, stale: bytes = b"") -> bytes:
        """The file's bytes afterwards; `stale` are those that it had in an earlier save."""
        first, second = self.first, self.second
        match self.kind:
            case "bit":
                changed = bytearray(data)
                changed[first] ^= 1 << second
                return bytes(changed)
            case "burst":
                changed = bytearray(data)
                noise = Random(first * 65_537 + second).randbytes(second)
                changed[first : first + second] = noise[: len(data) - first]
                return bytes(changed)
            case "truncation":
                return data[:first]
            case "extension":
                return data + bytes(first)
            case "zeroed page":
                return data[:first] + bytes(min(PAGE_BYTES, len(data) - first)) + data[first + PAGE_BYTES :]
            case "swapped blocks":
                one, other = sorted((first, second))
                size = min(512, other - one, len(data) - other)
                between = data[one + size : other]
                return data[:one] + data[other : other + size] + between + data[one : one + size] + data[other + size :]
            case "stale block":
                old = stale[first : first + second]
                return data[:first] + old + data[first + len(old) :]
        raise ValueError(self.kind)


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


def try_damage(
    root: Path, damages: Sequence[Damage], load: Callable[[], Mapping[str, Any]], progress: Path, stale: Path
) -> dict[str, Any]:
    """Counts what loading gives after each damage: "refused", "unchanged" (exactly what was saved), "wrong" (other
    values, without a word), "untyped" (an error that callers aren't told to expect). The place of the damage that is
    being tried stands in the file `progress`, for when it ends this process. It stops after a while: `tried` says after
    how many. The folder `stale` has an earlier save in files of the same names."""
    files = files_of(root)
    sound = [file.read_bytes() for file in files]
    earlier = [_bytes_of(stale / file.relative_to(root)) for file in files]
    expected = load()["digest"]
    counts: Counter[str] = Counter()
    examples: list[Any] = []
    slowest, began, tried = 0.0, time.monotonic(), 0
    for place, damage in enumerate(damages):
        if time.monotonic() - began > BATCH_SECONDS:
            break
        progress.write_text(str(place))
        tried = place + 1
        data = damage.done_to(sound[damage.file], earlier[damage.file])
        if data == sound[damage.file]:
            counts["no damage"] += 1
            continue
        rewrite(files[damage.file], sound[damage.file], data)
        started = time.perf_counter()
        found = load()
        slowest = max(slowest, time.perf_counter() - started)
        outcome = judged(found, expected)
        counts[outcome] += 1
        if outcome in ("wrong", "untyped") and len(examples) < EXAMPLES:
            where = files[damage.file].relative_to(root).as_posix()
            examples.append([outcome, where, *astuple(damage), found.get("error")])
        rewrite(files[damage.file], data, sound[damage.file])
    return {"tried": tried, "counts": counts, "examples": examples, "slowest_seconds": slowest}


def judged(found: Mapping[str, Any], expected: str) -> str:
    if "digest" in found:
        return "unchanged" if found["digest"] == expected else "wrong"
    return "refused" if found["error"]["expected"] else "untyped"


def _bytes_of(file: Path) -> bytes:
    """What is in a file; nothing, where there is none."""
    return file.read_bytes() if file.is_file() else b""


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


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
