from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_llvm.runtime.blocks import BLOCKS, RECYCLED_BYTES, Blocks, aligned
from dovetail_kernels_llvm.runtime.schedule import Input, Output, Stage

FLOAT = np.dtype(np.float32)


def test_blocks_are_aligned() -> None:
    for alignment in (64, 4096):
        for size in (1, 1000, 5000):
            block = aligned(size, alignment)
            assert (block.size, block.ctypes.data % alignment) == (size, 0)


def test_memory_comes_back_when_the_last_view_of_an_array_is_gone() -> None:
    blocks = Blocks()
    array = blocks.array((3, 1000), FLOAT)
    assert (array.shape, array.dtype, array.flags.c_contiguous, array.flags.writeable) == ((3, 1000), FLOAT, True, True)
    array[...] = 5
    view = array[1:, ::2].T
    address = array.ctypes.data
    del array
    assert blocks.sizes() == []
    assert view.sum() == 5000
    del view
    assert blocks.sizes() == [12000]
    again = blocks.array((1000, 3), FLOAT)
    assert again.ctypes.data == address
    assert blocks.sizes() == []


def test_arrays_that_are_alive_never_share_memory() -> None:
    blocks = Blocks()
    arrays = [blocks.array((100,), FLOAT) for _ in range(5)]
    assert len({array.ctypes.data for array in arrays}) == 5
    del arrays[::2]
    arrays += [blocks.array((100,), FLOAT) for _ in range(3)]
    assert len({array.ctypes.data for array in arrays}) == 5


def test_a_much_larger_block_is_left_for_others() -> None:
    blocks = Blocks()
    large = blocks.array((1000,), FLOAT)
    address = large.ctypes.data
    del large
    assert blocks.array((700,), FLOAT).ctypes.data != address
    assert blocks.array((1001,), FLOAT).ctypes.data != address
    assert blocks.array((900,), FLOAT).ctypes.data == address


def test_the_oldest_blocks_are_dropped_when_there_are_too_many() -> None:
    blocks = Blocks(kept_bytes=10_000)
    arrays = [blocks.array((size,), FLOAT) for size in (1000, 600, 700, 800, 3000)]
    for expected in ([4000], [4000, 2400], [4000, 2400, 2800], [2400, 2800, 3200], []):
        del arrays[0]
        assert blocks.sizes() == expected


def test_arrays_come_and_go_in_several_threads() -> None:
    blocks = Blocks(kept_bytes=100_000)
    failures = []

    def come_and_go(number: int) -> None:
        random = np.random.default_rng(number)
        alive: list[Any] = []
        for _ in range(500):
            alive.append(blocks.array((int(random.integers(1, 2000)),), FLOAT))
            alive[-1][...] = number
            if len(alive) > 4:
                array = alive.pop(int(random.integers(4)))
                if not (array == number).all():
                    failures.append(number)

    users = [threading.Thread(target=come_and_go, args=(number,)) for number in range(6)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert not failures
    assert sum(blocks.sizes()) <= 100_000


def test_large_outputs_are_recycled(small: Any) -> None:
    count = RECYCLED_BYTES // 8
    run = small.executable(
        (Stage((small.add(0, 0, 1, count),)),), {0: Input(0), 1: Output(0)}, ((count,),), ((count,),)
    )
    x = np.arange(count)
    first = run(x)[0]
    address = first.ctypes.data
    second = run(x)[0]
    assert second.ctypes.data != address
    np.testing.assert_array_equal(first, second)
    del first
    assert BLOCKS.sizes()
    third = run(x + 1)[0]
    assert third.ctypes.data == address
    np.testing.assert_array_equal(third, 2 * (x + 1))
    np.testing.assert_array_equal(second, 2 * x)


@pytest.mark.parametrize("dtype", ["float16", "bool", "uint64"])
def test_arrays_have_the_dtype_that_was_asked_for(dtype: str) -> None:
    assert Blocks().array((5,), np.dtype(dtype)).dtype == dtype
