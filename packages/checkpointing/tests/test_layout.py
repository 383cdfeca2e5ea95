"""Which tensor goes into which file, where nobody says how large files are to be."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dovetail_checkpointing.layout import FilePlan, Part, plan_files

MIB = 1 << 20
BYTE = np.zeros((), np.uint8)


def planned(sizes: list[int], shard_bytes: int | None = None) -> list[FilePlan]:
    """Files for tensors of one item; no plan looks at their values, so all of them are one byte."""
    parts = []
    for number, size in enumerate(sizes):
        values = np.broadcast_to(BYTE, (size,))
        parts.append(Part(("model", f"t{number:03}"), "uint8", values.shape, (0,), values.shape, values))
    return plan_files(parts, shard_bytes)


def sizes_of(files: list[FilePlan]) -> list[int]:
    return [file.data_bytes for file in files]


def test_what_is_small_has_one_file() -> None:
    assert sizes_of(planned([31 * MIB, 32 * MIB])) == [63 * MIB]
    assert sizes_of(planned([0, 0])) == [0]


def test_several_processors_can_be_busy_with_what_is_larger() -> None:
    assert sizes_of(planned([32 * MIB, 32 * MIB])) == [32 * MIB] * 2
    assert sizes_of(planned([MIB] * 512)) == [128 * MIB] * 4
    names = [file.name for file in planned([MIB] * 512)]
    assert names == [f"model-0000{place}-of-00004.safetensors" for place in range(4)]


def test_very_large_items_have_more_files() -> None:
    assert sizes_of(planned([256 * MIB] * 80)) == [2048 * MIB] * 10


def test_one_tensor_is_not_cut() -> None:
    assert sizes_of(planned([9 << 30])) == [9 << 30]
    assert sizes_of(planned([1, 512 * MIB, 1])) == [512 * MIB + 1, 1]


def test_given_a_size_that_is_what_files_have_at_most() -> None:
    assert sizes_of(planned([MIB] * 512, 512 * MIB)) == [512 * MIB]
    assert sizes_of(planned([MIB] * 512, 100 * MIB)) == [100 * MIB] * 5 + [12 * MIB]


@given(st.lists(st.just(0) | st.integers(0, 300 * MIB), min_size=1, max_size=40))
def test_files_are_even_and_hold_each_tensor_once(sizes: list[int]) -> None:
    files = planned(sizes)
    held = [part.path for file in files for part in file.parts]
    assert sorted(held) == [("model", f"t{number:03}") for number in range(len(sizes))]
    assert sum(prod(part.shape) for file in files for part in file.parts) == sum(sizes)
    count = max(1, min(4, sum(sizes) // (32 * MIB)), -(-sum(sizes) // (2048 * MIB)))
    assert len(files) <= count
    assert max(sizes_of(files)) <= sum(sizes) / count + max(sizes)
