"""What was made to harm, each read by a process of its own: the error that it raises, the time and memory it takes."""

from __future__ import annotations

import os
import resource
import signal
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any

from dovetail_checkpointing import MemoryFileSystem, restore, save
from dovetail_protocols.errors import CheckpointError, DovetailError

SECONDS, MEBIBYTES = 1.0, 64
SMALL_BYTES = 1 << 20
"""Larger manifests take more memory in proportion; the limit on their size is what bounds it."""
PATIENCE_SECONDS = 60
CORPORA = ("manifests", "replaced values", "files of other formats")
RIGHT, OTHER, UNTYPED = range(3)


@dataclass(frozen=True, slots=True)
class Attack:
    """`read` raises errors of the class named `outcome`, or of any class of CheckpointError, or accepts, if it is
    None. It is of `size_bytes`, where that is to be looked at."""

    name: str
    read: Callable[[], object]
    outcome: str | None
    size_bytes: int = 0


def try_hostile(corpus: str, every: int) -> dict[str, Any]:
    """Has every `every`-th of a corpus read; counts outcomes."""
    counts: Counter[str] = Counter()
    misses: Counter[str] = Counter()
    examples: list[str] = []
    slowest, largest = (0.0, ""), (0.0, "")
    with tempfile.TemporaryDirectory() as folder:
        for place, attack in enumerate(_ATTACKS[corpus](Path(folder))):
            if place % every:
                continue
            outcome, seconds, mebibytes = measured(attack)
            slowest, largest = max(slowest, (seconds, attack.name)), max(largest, (mebibytes, attack.name))
            counts[outcome] += 1
            if outcome != "as it must be":
                misses[outcome] += 1
                examples.append(f"{outcome}: {attack.name}: {seconds:.2f} s, {mebibytes:.0f} MiB")
    notes = [f"slowest {slowest[0]:.2f} s ({slowest[1]})", f"most memory {largest[0]:.0f} MiB ({largest[1]})"]
    return {"counts": counts, "misses": misses, "examples": examples, "notes": notes}


def _manifests(folder: Path) -> Iterator[Attack]:
    corpus, sound, put = _attacked()
    cases = [*corpus.texts(sound), *(corpus.changed(sound, name) for name in corpus.CHANGES)]
    for case in cases:
        yield Attack(case.name, put(case.data), case.outcome, len(case.data))


def _replaced(folder: Path) -> Iterator[Attack]:
    corpus, sound, put = _attacked()
    for name, data in corpus.replacements(sound):
        yield Attack(name, put(data), None, len(data))


def _attacked() -> tuple[Any, bytes, Callable[[bytes], Callable[[], object]]]:
    """The corpus, a sound manifest, and what puts another in its place to be read."""
    corpus: Any = import_module("packages.checkpointing.tests.hostile.manifests")
    storage, place = MemoryFileSystem(), PurePath("c/manifest.json")
    save("c", corpus.tree(), file_system=storage)
    file = storage.open_folder(place.parent).open(place.name)
    sound = bytearray(file.size_bytes)
    file.read_into(0, memoryview(sound))

    def put(data: bytes) -> Callable[[], object]:
        storage.remove_file(place)
        storage.create(place, len(data)).write(data)
        return lambda: restore("c", file_system=storage)

    return corpus, bytes(sound), put


def _files(folder: Path) -> Iterator[Attack]:
    corpora = import_module("packages.checkpointing.tests.test_hostile_files")
    for place, (module, name, hostile) in enumerate(corpora.EVERY):
        own = folder / str(place)
        own.mkdir()
        path = hostile.make(own)
        import_module(f"dovetail_checkpointing.interchange.{module}")

        def read(module: str = module, path: Path = path) -> object:
            return corpora.read_whole(module, path)

        yield Attack(f"{module}: {name}", read, hostile.error.__name__)


_ATTACKS = dict(zip(CORPORA, (_manifests, _replaced, _files), strict=True))


def measured(attack: Attack) -> tuple[str, float, float]:
    """What became of it, its seconds of processor time and its mebibytes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_SECONDS)
        os.write(writing, struct.pack("<Bdd", *_cost(attack)))
        os._exit(0)
    os.close(writing)
    answer = os.read(reading, 64)
    os.close(reading)
    status = os.waitpid(child, 0)[1]
    if not answer:
        return f"died of signal {os.WTERMSIG(status)}", 0.0, 0.0
    code, seconds, mebibytes = struct.unpack("<Bdd", answer)
    if code != RIGHT:
        return ("another outcome" if code == OTHER else "no error of ours"), seconds, mebibytes
    if seconds > SECONDS or (attack.size_bytes < SMALL_BYTES and mebibytes > MEBIBYTES):
        return "it took too much", seconds, mebibytes
    return "as it must be", seconds, mebibytes


def _cost(attack: Attack) -> tuple[int, float, float]:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        attack.read()
        found = "accepted"
    except DovetailError as error:
        found = type(error).__name__
        if attack.outcome is None and not isinstance(error, CheckpointError):
            found = "untyped"
    except BaseException:  # noqa: BLE001 - whatever it is, it is a miss
        found = "untyped"
    seconds = time.process_time() - started
    code = UNTYPED if found == "untyped" else RIGHT if attack.outcome in (None, found) else OTHER
    return code, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
