"""Parts of arrays at starts that are known at run time only, against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.indexing import dynamic_slice_launches, dynamic_update_slice_launches
from dovetail_kernels_llvm.kernels.kernel import View, c_strides
from dovetail_kernels_llvm.runtime.plain import run

WILD = [-(2**31), -40, -3, -1, 0, 1, 2, 30, 2**31 - 1]


def seen(number, array):
    return View(number, str(array.dtype), array.shape, tuple(stride // array.itemsize for stride in array.strides))


def key(shape, sizes, starts):
    """Negative starts count from the end; all are clamped."""
    found = []
    for whole, size, start in zip(shape, sizes, starts, strict=True):
        first = min(max(start + whole if start < 0 else start, 0), whole - size)
        found.append(slice(first, first + size))
    return tuple(found)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_parts_are_read_and_replaced_where_starts_say(data):
    shape = tuple(data.draw(st.lists(st.sampled_from([1, 2, 5, 8, 33]), min_size=1, max_size=3)))
    sizes = tuple(data.draw(st.integers(0, size)) for size in shape)
    dtype = data.draw(st.sampled_from(["bool", "int16", "float32", "complex64", "complex128"]))
    starts = [data.draw(st.sampled_from(WILD)) for _ in shape]
    order = data.draw(st.permutations(range(len(shape))))
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    source = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    part, update = np.zeros(sizes, dtype), np.ones(sizes, dtype)
    place = key(shape, sizes, starts)
    buffers = {0: source, 1: part, 2: update, 3: np.zeros_like(x)}
    firsts = []
    for number, start in enumerate(starts, start=4):
        buffers[number] = np.array(start, np.int32 if number % 2 else np.int64)
        firsts.append(seen(number, buffers[number]))
    run(dynamic_slice_launches(isa(), seen(0, source), firsts, seen(1, part)), buffers)
    np.testing.assert_array_equal(part, x[place])
    views = seen(0, source), seen(2, update), firsts
    run(dynamic_update_slice_launches(isa(), *views, seen(3, buffers[3])), buffers)
    run(dynamic_update_slice_launches(isa(), *views, seen(0, source)), buffers)  # in place
    x[place] = update
    np.testing.assert_array_equal(buffers[3], x)
    np.testing.assert_array_equal(source, x)


@pytest.mark.parametrize("start", [2**64 - 1, 2**63, 3])
def test_unsigned_starts_never_count_from_the_end(start):
    x, part, first = np.arange(10, dtype=np.float32), np.zeros(4, np.float32), np.array(start, np.uint64)
    run(dynamic_slice_launches(isa(), seen(0, x), [seen(2, first)], seen(1, part)), {0: x, 1: part, 2: first})
    np.testing.assert_array_equal(part, x[3:7] if start == 3 else x[6:])


def test_large_parts_are_cut_into_tasks():
    x, part, first = np.arange(3_000_000, dtype=np.float32), np.zeros(2_000_001, np.float32), np.array(5)
    (launch,) = dynamic_slice_launches(
        isa(), seen(0, x), [seen(2, first)], View(1, "float32", part.shape, c_strides(part.shape))
    )
    assert launch.tasks > 1
    run([launch], {0: x, 1: part, 2: first})
    np.testing.assert_array_equal(part, x[5:-999_994])
