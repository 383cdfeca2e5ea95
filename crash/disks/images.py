"""Disks as files, made of a base and what was written to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from errno import ENXIO
from pathlib import Path

from crash.disks.cuts import Cut
from crash.disks.log import Entry, Write


def images(base: Path, entries: Sequence[Entry], wanted: Iterable[Cut], where: Path) -> Iterator[tuple[Cut, Path]]:
    """The disk after each power cut, in the order of their flushes: a file that is gone when the next is asked for."""
    flushed, image, done = where / "flushed", where / "cut", 0
    copy(base, flushed)
    for each in sorted(wanted, key=lambda cut: cut.flushed):
        writes = (entry for entry in entries[done : each.flushed] if isinstance(entry, Write))
        apply(flushed, ((write.offset, write.data) for write in writes))
        done = each.flushed
        copy(flushed, image)
        apply(image, each.writes(entries))
        yield each, image
        image.unlink()
    flushed.unlink()


def apply(image: Path, writes: Iterable[tuple[int, bytes]]) -> None:
    """Puts bytes at their offsets."""
    with image.open("r+b") as file:
        for offset, data in writes:
            os.pwrite(file.fileno(), data, offset)


def copy(source: Path, target: Path) -> None:
    """A new file with the same bytes and holes."""
    with source.open("rb") as read_from, target.open("xb") as write_to:
        write_to.truncate(os.fstat(read_from.fileno()).st_size)
        end = 0
        while (start := _data_after(read_from.fileno(), end)) is not None:
            end = os.lseek(read_from.fileno(), start, os.SEEK_HOLE)
            os.lseek(write_to.fileno(), start, os.SEEK_SET)
            while start < end:
                start += os.sendfile(write_to.fileno(), read_from.fileno(), start, end - start)


def _data_after(descriptor: int, place: int) -> int | None:
    try:
        return os.lseek(descriptor, place, os.SEEK_DATA)
    except OSError as error:
        if error.errno != ENXIO:  # no data after it
            raise
        return None
