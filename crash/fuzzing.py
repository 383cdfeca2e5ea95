"""Fuzzing of Dovetail's two parsers of strangers' bytes: the manifest, and headers of safetensors files.

An input follows from a seed and its number, so that one that fails can be made again.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

import numpy as np
import safetensors

from crash.mutations import bytes_of, mutated
from dovetail_checkpointing import save
from dovetail_checkpointing.interchange.limits import ForeignLimits
from dovetail_checkpointing.interchange.safetensors_files import NAMES, Header, read_header
from dovetail_checkpointing.manifest_reader import parse
from dovetail_protocols.errors import CheckpointError, DTypeError

SLOW_SECONDS = 1.0
MEMORY_BYTES = 4 << 30
"""What the process may have: a parser that allocates what a file claims raises a MemoryError."""
EXAMPLES = 5
STRICTER = (
    *("a header doesn't begin with '{'", "a name stands twice", "an array has no name", "a name is no Unicode text"),
    *("the length of a name", "a name holds NUL or control characters", "a name reads as a path out of its folder"),
    *("the size of an array, in bytes,", "the number of axes", "JSON is nested too deep", "the number of arrays"),
    *("a tensor's entry needs dtype, shape and data_offsets", "__metadata__ must map names to texts"),
)
"""What ours refuses on purpose and the library lets pass, by the beginning of the error's text: entries with unknown
members and a `__metadata__` that is null among it. Besides: dtypes that Dovetail does not have."""


def manifests(seed: int) -> Callable[[int], bytes]:
    """Manifests by number: one that was written, changed, and sealed with the digest that belongs to it then."""
    tree = {
        "model": {"layers": [np.zeros((2, 3), np.float32), np.ones(4, np.int64)], "0": np.ones((), bool)},
        "step": 7,
        "rate": 0.1,
        "name": "run",
        "flag": True,
        "none": None,
    }
    tree["tied"] = tree["model"]
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "c", tree, step=3, metrics={"loss": 0.5})
        text = (Path(folder) / "c" / "manifest.json").read_text("utf-8")

    def made(number: int) -> bytes:
        random = Random(f"{seed}/{number}")
        document = json.loads(text)
        del document["root"]
        data = bytes_of(mutated(document, random), random)
        if random.random() < 0.02:
            return data
        return data[:-1] + b',"root":"' + sha256(data).hexdigest().encode() + b'"}'

    return made


def headers(seed: int) -> Callable[[int], bytes]:
    """Safetensors files by number: one that was written, with its header, the header's length or its data changed."""
    arrays: dict[str, Any] = {}
    end = 0
    for name, dtype, shape, size in (("a", "F64", [2, 2], 32), ("b/c", "F32", [3], 12), ("é", "U8", [5], 5)):
        arrays[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    arrays["empty"] = {"dtype": "BOOL", "shape": [0, 4], "data_offsets": [end, end]}
    text = json.dumps({"__metadata__": {"format": "np"}, **arrays})
    data = bytes(range(end))

    def made(number: int) -> bytes:
        random = Random(f"{seed}/{number}")
        header = bytes_of(mutated(json.loads(text), random), random)
        if random.random() < 0.1:
            header = random.choice((b" ", b"\n", b"")) + header + b" " * random.randrange(9)
        length = len(header)
        if random.random() < 0.05:
            length = random.choice((0, 1, max(length - 1, 0), length + 1, 2**31, 2**63, 2**64 - 1, 100_000_001))
        rest = data if random.random() < 0.95 else random.choice((data[:-1], data + b"\0", b""))
        return length.to_bytes(8, "little") + header + rest

    return made


def fuzz_manifests(seed: int, first: int, count: int) -> dict[str, Any]:
    """Counts what `parse` makes of manifests: anything but a manifest whose records can be read, or a CheckpointError,
    is a miss."""

    def outcome(data: bytes) -> tuple[str, bool]:
        try:
            list(parse(data).tensors)
        except CheckpointError as error:
            return f"refused: {type(error).__name__}", False
        return "accepted", False

    return _run(manifests(seed), outcome, first, count)


def fuzz_headers(seed: int, first: int, count: int) -> dict[str, Any]:
    """Counts where `read_header` and the library agree: accepting what the library refuses is a miss, and so is reading
    anything else than the library, or refusing for another reason than those of STRICTER."""
    limits = ForeignLimits()
    with _memory_file() as file:

        def outcome(data: bytes) -> tuple[str, bool]:
            try:
                theirs = safetensors.deserialize(data)  # type: ignore[no-untyped-call] # it has no annotations
            except safetensors.SafetensorError:
                theirs = None
            file.seek(0)
            file.truncate()
            file.write(data)
            try:
                ours = read_header(file, limits, "fuzz")
            except (CheckpointError, DTypeError) as error:
                return _refusal(error, accepted_by_library=theirs is not None)
            if theirs is None:
                return "accepted, which the library refuses", True
            return ("both accept", False) if _same(ours, theirs, data) else ("read otherwise than by the library", True)

        return _run(headers(seed), outcome, first, count)


def _refusal(error: Exception, *, accepted_by_library: bool) -> tuple[str, bool]:
    if not accepted_by_library:
        return "both refuse", False
    if isinstance(error, DTypeError):
        return "stricter: a dtype that Dovetail does not have", False
    text = str(error)
    for rule in STRICTER:
        if text.startswith(rule):
            return f"stricter: {rule.rstrip(',')}", False
    return f"refused, which the library accepts: {text.splitlines()[0][:80]}", True


def _same(ours: Header, theirs: list[tuple[str, dict[str, Any]]], data: bytes) -> bool:
    written = {dtype: name for name, dtype in NAMES.items()}
    read = {
        name: (written[e.dtype], list(e.shape), data[ours.data_start + e.start : ours.data_start + e.stop])
        for name, e in ours.entries.items()
    }
    return read == {name: (t["dtype"], list(t["shape"]), bytes(t["data"])) for name, t in theirs}


@contextmanager
def _limited_memory() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _run(
    made: Callable[[int], bytes], outcome: Callable[[bytes], tuple[str, bool]], first: int, count: int
) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    misses: Counter[str] = Counter()
    examples: list[str] = []
    slowest = 0.0
    for number in range(first, first + count):
        data = made(number)
        started = time.thread_time()  # of the processor, so that a machine that is busy or stopped doesn't count
        try:
            with _limited_memory():
                what, miss = outcome(data)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            what, miss = f"raised {type(error).__name__}", True
        seconds = time.thread_time() - started
        slowest = max(slowest, seconds)
        if seconds > SLOW_SECONDS:
            what, miss = "took longer than a second", True
        counts[what] += 1
        if miss:
            misses[what] += 1
            if len(examples) < EXAMPLES:
                examples.append(f"input {number}: {what}: {data[:300]!r}")
    return {"counts": counts, "misses": misses, "examples": examples, "slowest_seconds": slowest}


@contextmanager
def _memory_file() -> Iterator[BinaryIO]:
    with os.fdopen(os.memfd_create("fuzz"), "r+b", buffering=0) as file:
        yield file
