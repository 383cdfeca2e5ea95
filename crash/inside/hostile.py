"""Time and memory that manifests made to harm take: each is read in a process of its own."""

from __future__ import annotations

import importlib
import os
import resource
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from dovetail_checkpointing import MemoryFileSystem, restore, save
from dovetail_protocols.errors import CheckpointError

SECONDS, MEBIBYTES = 1.0, 64
SMALL_BYTES = 1 << 20
"""Larger manifests take more memory in proportion; the limit on their size is what bounds it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one manifest took. `code`: 0 accepted, 1 a CheckpointError, 2 anything else."""

    name: str
    size_bytes: int
    code: int
    seconds: float
    mebibytes: float

    @property
    def is_miss(self) -> bool:
        is_costly = self.seconds > SECONDS or (self.size_bytes < SMALL_BYTES and self.mebibytes > MEBIBYTES)
        return is_costly or self.code == 2


def costs() -> Iterator[Cost]:
    """Of every manifest of the corpus in the package's tests."""
    corpus: Any = importlib.import_module("packages.checkpointing.tests.hostile.manifests")
    storage, place = MemoryFileSystem(), PurePath("c/manifest.json")
    save("c", corpus.tree(), file_system=storage)
    file = storage.open_folder(place.parent).open(place.name)
    sound = bytearray(file.size_bytes)
    file.read_into(0, memoryview(sound))
    named = [(case.name, case.data) for case in corpus.texts(bytes(sound))]
    named += [(name, corpus.changed(bytes(sound), name).data) for name in corpus.CHANGES]
    for name, data in (*named, *corpus.replacements(bytes(sound))):
        storage.remove_file(place)
        storage.create(place, len(data)).write(data)
        yield Cost(name, len(data), *_measured(storage))


def _measured(storage: MemoryFileSystem) -> tuple[int, float, float]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, struct.pack("<Bdd", *_cost(storage)))
        os._exit(0)
    os.close(writing)
    answer = os.read(reading, 64)
    os.close(reading)
    os.waitpid(child, 0)
    return struct.unpack("<Bdd", answer) if answer else (2, 0.0, 0.0)


def _cost(storage: MemoryFileSystem) -> tuple[int, float, float]:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    try:
        restore("c", file_system=storage)
        code = 0
    except CheckpointError:
        code = 1
    except BaseException:  # noqa: BLE001 - whatever it is, it is a miss
        code = 2
    seconds = time.perf_counter() - started
    return code, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
