"""Every bit of a checkpoint flipped, every length that a file may be cut to, and what storage does to whole pages: all
of it is refused. In memory, so that it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import MemoryFileSystem, restore, save
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError

PAGE = 4096


KERNEL = np.random.default_rng(0).standard_normal((9, 5))


def tree(kernel: Any) -> dict[str, Any]:
    return {
        "model": {"kernel": kernel, "mask": np.array([True, False] * 5)},
        "layers": [np.arange(4, dtype=np.int16), np.zeros((0, 2))],
        "step": 1200,
        "rate": 0.1,
    }


class Damaged:
    """A checkpoint in memory, one file of which is changed at a time."""

    def __init__(self, kernel: Any = KERNEL) -> None:
        storage = MemoryFileSystem()
        save("c", tree(kernel), file_system=storage)
        self.storage, self.folder = storage, storage._root["c"]
        assert isinstance(self.folder, dict)
        self.sound = {name: bytes(data) for name, data in self.folder.items()}

    def put(self, name: str, data: bytes) -> None:
        self.folder[name] = bytearray(data)  # type: ignore[index] # a dict, as is checked above

    def require_refusal(self, name: str, data: bytes, what: str) -> None:
        self.put(name, data)
        try:
            restore("c", file_system=self.storage)
        except CheckpointCorruptError:
            return
        except CheckpointError as error:
            raise AssertionError(f"{name}, {what}: {error}") from error
        finally:
            self.put(name, self.sound[name])
        pytest.fail(f"{name}, {what}: not noticed")


@pytest.fixture(scope="module")
def damaged() -> Iterator[Damaged]:
    one = Damaged()
    yield one
    restore("c", file_system=one.storage)  # sound again, so that what was refused was so for the damage


def test_every_bit_of_a_manifest_and_of_the_data_counts(damaged: Damaged) -> None:
    """Of the spaces that fill up a header, every seventh bit."""
    count = 0
    for name, sound in damaged.sound.items():
        text_end = len(sound) if name.endswith(".json") else sound.index(b"}}") + 2
        for bit in range(8 * len(sound)):
            if text_end * 8 <= bit < PAGE * 8 and bit % 7 and not name.endswith(".json"):
                continue
            changed = bytearray(sound)
            changed[bit // 8] ^= 1 << bit % 8
            damaged.require_refusal(name, changed, f"bit {bit}")
            count += 1
    assert count > 20_000


def test_every_truncation_and_what_is_added_is_refused(damaged: Damaged) -> None:
    count = 0
    for name, sound in damaged.sound.items():
        for length in range(len(sound)):
            damaged.require_refusal(name, sound[:length], f"{length} bytes")
            count += 1
        for added in (b"\0", b" ", b"\n", bytes(PAGE), sound):
            damaged.require_refusal(name, sound + added, f"{len(added)} bytes more")
    assert count > 9_000


def test_pages_that_are_zeroed_stale_or_swapped_and_bursts_are_refused(damaged: Damaged) -> None:
    random = Random(0)
    other = Damaged(kernel=np.ones((9, 5)))
    for name, sound in damaged.sound.items():
        for start in range(0, len(sound), PAGE):
            page = sound[start : start + PAGE]
            for replaced, what in (
                (bytes(len(page)), "zeroed"),
                (b"\xff" * len(page), "ones"),
                (page[::-1], "reversed"),
            ):
                damaged.require_refusal(name, sound[:start] + replaced + sound[start + PAGE :], f"{what} at {start}")
        for _ in range(500):
            start, length = random.randrange(len(sound)), random.randrange(1, 64)
            noise = random.randbytes(min(length, len(sound) - start))
            changed = sound[:start] + noise + sound[start + len(noise) :]
            if changed != sound:
                damaged.require_refusal(name, changed, f"burst at {start}")
    first, second = [name for name in damaged.sound if name.endswith(".safetensors")][:2]
    damaged.require_refusal(first, damaged.sound[second], "another file")
    for name in (first, "manifest.json"):
        damaged.require_refusal(name, other.sound[name], "of another save")
