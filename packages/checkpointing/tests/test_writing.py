"""How the bytes of a file are cut: whole chunks for the checksums, and no copies of what is large."""

from __future__ import annotations

import zlib
from hashlib import sha256

import numpy as np
import pytest

from dovetail_checkpointing.layout import Part, plan_files
from dovetail_checkpointing.manifest import CHUNK_BYTES
from dovetail_checkpointing.writing import PlannedFile, parts_of_chunks, write_files

SIZES = {
    "small ones only": [1, 7, 300 << 10, 0, 5],
    "a border inside of a large one": [CHUNK_BYTES - 3, 2 * CHUNK_BYTES, 10],
    "a border inside of small ones": [CHUNK_BYTES - (1 << 10), 1000, 1000, 1000],
    "whole chunks": [CHUNK_BYTES, CHUNK_BYTES],
    "nothing": [0],
}


class Kept:
    """A file in memory that notes the calls."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.synced: list[int] = []

    def write(self, data: bytes | memoryview) -> None:
        self.data += data

    def sync(self) -> None:
        self.synced.append(len(self.data))

    def close(self) -> None: ...


class Noted(Kept):
    """One that notes its number in a common list with each write."""

    def __init__(self, number: int, log: list[int]) -> None:
        super().__init__()
        self.number, self.log = number, log

    def write(self, data: bytes | memoryview) -> None:
        super().write(data)
        self.log.append(self.number)


def arrays_of(sizes: list[int]) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(256, size=size, dtype=np.uint8) for size in sizes]


def plan_of(arrays: list[np.ndarray]):
    parts = [Part((f"t{n}",), "uint8", a.shape, (0,), a.shape, a) for n, a in enumerate(arrays)]
    (plan,) = plan_files(parts, 1 << 40)
    return plan


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("whole", [True, False])
def test_a_file_and_its_digests_are_those_of_the_bytes_one_after_the_other(sizes: list[int], whole: bool) -> None:
    arrays, file = arrays_of(sizes), Kept()
    plan = plan_of(arrays)
    (record,) = write_files([PlannedFile(file, plan, file.sync)], whole_digest=whole)
    data = b"".join(array.tobytes() for array in arrays)
    expected = plan.header + data
    chunks = [data[begin : begin + CHUNK_BYTES] for begin in range(0, len(data), CHUNK_BYTES)]
    assert file.data == expected
    assert file.synced == [len(expected)]
    assert record.size_bytes == len(expected)
    assert record.chunk_crc32 == tuple(f"{zlib.crc32(chunk):08x}" for chunk in chunks)
    assert record.sha256 == (sha256(expected).hexdigest() if whole else None)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_no_part_crosses_the_border_of_a_chunk(sizes: list[int]) -> None:
    at = 0
    for part in parts_of_chunks(plan_of(arrays_of(sizes))):
        assert 0 < part.data.nbytes <= CHUNK_BYTES - at % CHUNK_BYTES
        at += part.data.nbytes
    assert at == sum(sizes)


def test_large_tensors_are_written_from_their_own_memory_and_small_ones_together() -> None:
    arrays = arrays_of([1 << 20, *[100] * 50, 1 << 20])
    first, small, last = parts_of_chunks(plan_of(arrays))
    assert np.shares_memory(np.frombuffer(first.data, np.uint8), arrays[0])
    assert np.shares_memory(np.frombuffer(last.data, np.uint8), arrays[-1])
    assert small.data.nbytes == 50 * 100
    assert [part.is_copy for part in (first, small, last)] == [False, True, False]


def test_what_fails_beside_the_writing_fails_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: memoryview, value: int = 0) -> int:
        raise MemoryError("planted")

    monkeypatch.setattr("dovetail_checkpointing.writing.crc32", fail)
    file = Kept()
    with pytest.raises(MemoryError, match="planted"):
        write_files([PlannedFile(file, plan_of(arrays_of([10])), file.sync)], whole_digest=False)


def test_several_files_grow_side_by_side_in_an_order_that_the_plans_give() -> None:
    sizes = [[CHUNK_BYTES] * 4, [CHUNK_BYTES] * 2, [1000], [0], [CHUNK_BYTES, 5], [7]]
    calls: list[list[int]] = []
    for _ in range(2):
        log: list[int] = []
        files = [Noted(number, log) for number in range(len(sizes))]
        plans = [plan_of(arrays_of(one)) for one in sizes]
        planned = [PlannedFile(file, plan, file.sync) for file, plan in zip(files, plans, strict=True)]
        records = write_files(planned, whole_digest=True)
        calls.append(log)
        for file, record in zip(files, records, strict=True):
            assert record.sha256 == sha256(file.data).hexdigest()
            assert record.size_bytes == len(file.data)
            assert file.synced == [len(file.data)]
    assert calls[0] == calls[1]
    first_four = calls[0][: calls[0].index(4)]
    assert set(first_four) == {0, 1, 2, 3}, "the fifth begins when four are done"
    data_of_two = [number for number in first_four[4:] if number < 2]
    assert data_of_two == [0, 1, 0, 0, 1, 0], "the first has twice as much to write as the second"
