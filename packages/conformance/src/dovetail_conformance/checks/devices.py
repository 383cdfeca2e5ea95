"""What a device package promises: contents come back bit by bit, no buffer shares memory with the host's, and nothing
that is given to it is written."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols.device_abilities import SupportsDonation, SupportsMemoryStatistics, SupportsSynchronization

from ..cases import SEED, Buffer
from ..layouts import LAYOUTS, place
from ..numpy_dtypes import numpy_dtype
from ..threads import in_threads
from .load import process_problems

DTYPES = tuple(known.name for known in dt.ALL)
SHAPES = ((), (0,), (3, 0, 2), (1,), (7,), (2, 3, 5))
THREADS, ROUNDS = 4, 8
PROGRAM = """
import sys
from dovetail_protocols.devices import device_package, find_device
find_device(sys.argv[1])
device_package(sys.argv[1])
"""


def contents(shape: tuple[int, ...], dtype: np.dtype[Any], seed: int = 0) -> Buffer:
    """An array of drawn bytes: every bit pattern that a dtype has, NaNs with their payloads too."""
    size = int(np.prod(shape)) * dtype.itemsize
    drawn = np.random.default_rng([SEED, seed, *shape]).integers(0, 256, size, np.uint8)
    drawn = drawn & 1 if dtype == np.bool_ else drawn
    return np.frombuffer(drawn.tobytes(), dtype).reshape(shape).copy()


def load_problems(kind: str) -> list[str]:
    """What is wrong with how a package loads, in a process of its own."""
    return process_problems(PROGRAM, kind)


def description_problems(package: Any) -> list[str]:
    """What is wrong with what `probe()` says."""
    lines = package.probe()
    if not isinstance(lines, (list, tuple)) or not lines:
        return [f"probe() gave {lines!r}; expected a line for each device"]
    wrong = [line for line in lines if not isinstance(line, str) or not line.strip() or "\n" in line]
    return [f"{line!r} is no line of description" for line in wrong]


def round_trip_problems(package: Any, index: int, name: str) -> list[str]:
    """Which contents of a dtype don't come back as they were, by shape and by layout of the host's array."""
    found = []
    for shape in SHAPES:
        for layout in LAYOUTS:
            values = contents(shape, numpy_dtype(name))
            placed = place(values, layout)
            before = placed.snapshot()
            buffer = package.from_host(placed.array, index)
            text = difference(package, buffer, values)
            if text is None:
                text = difference(package, package.contiguous(buffer), values, "what contiguous gave ")
            if placed.snapshot() != before:
                text = "from_host wrote to the array that it was given"
            if text is not None:
                found.append(f"{name}{list(shape)}, {layout}: {text}")
    return found


def difference(package: Any, buffer: Any, values: Buffer, what: str = "") -> str | None:
    """What of a buffer differs from the contents that it should have, or None."""
    if tuple(buffer.shape) != values.shape:
        return f"{what}has shape {buffer.shape!r}"
    array = package.to_host(buffer)
    if not isinstance(array, np.ndarray):
        return f"{what}came back as a {type(array).__name__}, no NumPy array"
    if array.shape != values.shape or array.dtype != values.dtype:
        return f"{what}came back as {array.dtype}{list(array.shape)}"
    return None if array.tobytes() == values.tobytes() else f"{what}came back with other contents"


def host_write_problems(package: Any, index: int, *, shares: bool) -> list[str]:
    """Whether writing to an array of the host reaches a buffer. `shares`: to_host may give the buffer's own memory,
    which is then read-only, or belongs to a device whose buffers are the host's arrays."""
    values = contents((64,), np.dtype(np.int32))
    given = values.copy()
    buffer = package.from_host(given, index)
    if not shares:
        given[...] = 0
        if difference(package, buffer, values) is not None:
            return ["a buffer changed when the array that it was made of was written to afterwards"]
    array = package.to_host(buffer)
    if array.flags.writeable and not shares:
        array[...] = 0
        if difference(package, buffer, values) is not None:
            return ["a buffer changed when the array that to_host gave was written to; copy it, or make it read-only"]
    return []


def index_problems(package: Any, count: int) -> list[str]:
    """Whether buffers of several devices are kept apart."""
    buffers = [package.from_host(np.full(3, index, np.int32), index) for index in range(count)]
    found = []
    for index, buffer in enumerate(buffers):
        text = difference(package, buffer, np.full(3, index, np.int32))
        if text is not None:
            found.append(f"device {index}: {text}")
    return found


def lifetime_problems(package: Any, index: int) -> list[str]:
    """Whether the contents that to_host gave outlive their buffer, and new buffers leave them alone."""
    values = contents((1000,), np.dtype(np.float32))
    array = package.to_host(package.from_host(values, index))
    later = [package.from_host(np.zeros(1000, np.float32), index) for _ in range(8)]
    del later
    return [] if array.tobytes() == values.tobytes() else ["what to_host gave changed after its buffer was gone"]


def thread_problems(package: Any, index: int) -> list[str]:
    """Whether several threads that move arrays at once get each its own back."""
    found: list[str] = []

    def run(number: int) -> None:
        for turn in range(ROUNDS):
            values = contents((257,), np.dtype(np.int64), number * ROUNDS + turn)
            buffer = package.from_host(values, index)
            if turn % 2:
                buffer = package.contiguous(buffer)
            text = difference(package, buffer, values)
            if text is not None:
                found.append(f"in {THREADS} threads, a buffer {text}")

    raised = in_threads([partial(run, number) for number in range(THREADS)])
    found += [f"in {THREADS} threads: raised {type(error).__name__}: {error}" for error in raised]
    return found[:1]


def memory_problems(package: SupportsMemoryStatistics, index: int) -> list[str]:
    """Whether memory is counted, and free again when nobody holds a buffer."""
    whole: Any = package
    before = _in_use(package, index)
    buffer = whole.from_host(np.zeros(4096, np.uint8), index)
    held = _in_use(package, index)
    found = [] if held >= before + 4096 else [f"a buffer of 4096 bytes raised bytes_in_use by {held - before}"]
    for _ in range(4):
        whole.to_host(whole.contiguous(buffer))
    del buffer
    left = _in_use(package, index) - before
    return found + ([f"{left} bytes are in use after every buffer is gone"] if left else [])


def _in_use(package: SupportsMemoryStatistics, index: int) -> int:
    gc.collect()
    if isinstance(package, SupportsSynchronization):
        package.synchronize(index)
    return package.bytes_in_use(index)


def donation_problems(package: SupportsDonation, index: int) -> list[str]:
    """Whether a buffer of its own is exclusive, and a copy has its contents and is one too."""
    whole: Any = package
    values = contents((5, 3), np.dtype(np.float64))
    buffer = whole.from_host(values.copy(), index)
    copied = package.copy(buffer)
    found = []
    text = difference(package, copied, values)
    if text is not None:
        found.append(f"what copy gave {text}")
    if copied is buffer or not package.is_exclusive(copied):
        found.append("what copy gave is not exclusive")
    return found


def failure_problems(package: Any, index: int, failing: Callable[[], Any]) -> list[str]:
    """What is wrong when memory runs out: `failing()` is a context in which the next allocation fails."""
    held = contents((32,), np.dtype(np.int16))
    buffer = package.from_host(held, index)
    found = []
    with failing():
        try:
            package.from_host(np.zeros(1000), index)
        except MemoryError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the wrong one
            found.append(f"an allocation that failed raised {type(error).__name__}; expected a MemoryError")
        else:
            found.append("an allocation that should fail gave a buffer")
    text = difference(package, buffer, held)
    if text is not None:
        found.append(f"after an allocation failed, a buffer made before {text}")
    text = difference(package, package.from_host(held, index), held)
    return found + ([f"after an allocation failed, a new buffer {text}"] if text else [])
