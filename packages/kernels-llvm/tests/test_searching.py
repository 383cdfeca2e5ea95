"""Extremes, places in sorted arrays and order along an axis, against NumPy."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.kernel import View, c_strides
from dovetail_kernels_llvm.kernels.searching import (
    argsort_launches,
    extreme_launches,
    searchsorted_launches,
    sort_launches,
)
from dovetail_kernels_llvm.runtime.plain import run

few = settings(max_examples=40, deadline=None, derandomize=True, database=None)
SIZES = st.sampled_from([1, 2, 3, 7, 16, 17, 40, 67])
DTYPES = st.sampled_from(
    ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]
)


class Memory:
    """Arrays by number of buffer."""

    def __init__(self):
        self.buffers = {}

    def view(self, array, order=None):
        """The view of a copy of an array, whose axes lie in memory in that order."""
        array = np.asarray(array)
        order = list(range(array.ndim) if order is None else order)
        base = np.empty([array.shape[axis] for axis in order], array.dtype)
        seen = base.transpose([order.index(axis) for axis in range(array.ndim)])
        seen[...] = array
        self.buffers[len(self.buffers)] = base
        steps = tuple(stride // array.itemsize for stride in seen.strides)
        return View(len(self.buffers) - 1, str(array.dtype), array.shape, steps)

    def allocate(self, dtype, shape):
        self.buffers[len(self.buffers)] = np.empty(shape, dtype)
        return View(len(self.buffers) - 1, dtype, shape, c_strides(shape))

    def run(self, launches):
        run(launches, self.buffers)

    def read(self, view):
        base = self.buffers[view.buffer].reshape(-1)
        steps = [step * base.itemsize for step in view.strides]
        return np.lib.stride_tricks.as_strided(base[view.offset :], view.shape, steps).copy()


def values(data, shape, dtype):
    """Few distinct numbers, with the ends of the range, zeros of both signs and NaN."""
    seed = data.draw(st.integers(0, 99))
    drawn = np.random.default_rng(seed).integers(-4, 5, shape)
    x = np.asarray(drawn).astype(dtype)
    special = data.draw(st.booleans())
    if special and "float" in dtype:
        choice = np.random.default_rng(seed + 1).choice([1.0, -0.0, 0.0, np.nan, np.inf, -np.inf], shape)
        x = np.where(np.random.default_rng(seed + 2).random(shape) < 0.3, choice.astype(dtype), x)
    elif special:
        ends = np.iinfo(dtype)
        x = np.where(drawn == 0, np.array(ends.max, dtype), np.where(drawn == 1, np.array(ends.min, dtype), x))
    return np.asarray(x)


@few
@given(st.data())
def test_extremes_are_the_first_of_equals_and_nan_beats_all(data):
    shape = data.draw(st.lists(SIZES, min_size=1, max_size=3).filter(lambda sizes: prod(sizes) < 20000))
    axis, keepdims = data.draw(st.sampled_from([None, *range(len(shape))])), data.draw(st.booleans())
    x = values(data, shape, data.draw(DTYPES))
    order = data.draw(st.permutations(range(len(shape))))
    for greatest, function in ((True, np.argmax), (False, np.argmin)):
        memory = Memory()
        wanted = np.asarray(function(x, axis=axis, keepdims=keepdims))
        target = memory.view(np.full_like(wanted, -1))
        memory.run(extreme_launches(isa(), memory.view(x, order), target, axis, memory.allocate, greatest=greatest))
        np.testing.assert_array_equal(memory.read(target), wanted)


def test_extremes_of_bools_and_of_long_lines():
    memory = Memory()
    bools = np.zeros((3, 50), bool)
    bools[0, 7] = bools[0, 9] = bools[2, 49] = True
    target = memory.view(np.zeros(3, np.int64))
    memory.run(extreme_launches(isa(), memory.view(bools), target, 1, memory.allocate, greatest=True))
    assert memory.read(target).tolist() == [7, 0, 49]
    rows = np.random.default_rng(0).standard_normal((600, 601)).astype(np.float32)
    for axis in (0, 1):
        target = memory.view(np.zeros(rows.shape[1 - axis], np.int64))
        launches = extreme_launches(isa(), memory.view(rows), target, axis, memory.allocate, greatest=False)
        assert launches[-1].tasks > 1
        memory.run(launches)
        np.testing.assert_array_equal(memory.read(target), rows.argmin(axis))


@few
@given(st.data())
def test_searchsorted_gives_what_numpy_gives(data):
    dtype, length = data.draw(DTYPES), data.draw(st.sampled_from([0, 1, 2, 3, 8, 31, 100]))
    x1, shape = values(data, (length,), dtype), data.draw(st.lists(SIZES, max_size=2))
    x2, side = values(data, shape, dtype), data.draw(st.sampled_from(["left", "right"]))
    sorter = np.argsort(x1, kind="stable").astype(data.draw(st.sampled_from(["int32", "int64"])))
    memory = Memory()
    given_sorter = data.draw(st.booleans())
    views = memory.view(x1 if given_sorter else x1[sorter]), memory.view(x2)
    target = memory.view(np.full(shape, -1, np.int64))
    order = memory.view(sorter) if given_sorter else None
    memory.run(searchsorted_launches(isa(), *views, order, target, side=side))
    np.testing.assert_array_equal(memory.read(target), np.searchsorted(x1[sorter], x2, side))


def test_searchsorted_reads_the_nearest_element_for_a_wild_sorter():
    memory = Memory()
    views = memory.view(np.array([1.0, 2, 3])), memory.view(np.array([0.5, 2.5, 9]))
    target = memory.view(np.zeros(3, np.int64))
    memory.run(searchsorted_launches(isa(), *views, memory.view(np.array([-(2**60), 1, 2**60])), target))
    assert memory.read(target).tolist() == [0, 2, 3]


def sorted_places(x, axis, *, descending):
    """Places in stable order."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    return np.flip(x.shape[axis] - 1 - np.argsort(np.flip(x, axis), axis, kind="stable"), axis)


@few
@given(st.data())
def test_sorting_is_stable_in_both_directions(data):
    length = data.draw(st.sampled_from([1, 2, 5, 16, 31, 96, 97, 250]))
    others = data.draw(st.lists(st.sampled_from([1, 2, 5]), max_size=2))
    axis = data.draw(st.integers(0, len(others)))
    shape = [*others[:axis], length, *others[axis:]]
    x, descending = values(data, shape, data.draw(DTYPES)), data.draw(st.booleans())
    memory = Memory()
    source = memory.view(x, data.draw(st.permutations(range(x.ndim))))
    places, elements = memory.view(np.zeros(shape, np.int64)), memory.view(np.zeros_like(x))
    memory.run(argsort_launches(isa(), source, places, axis, memory.allocate, descending=descending))
    memory.run(sort_launches(isa(), source, elements, axis, memory.allocate, descending=descending))
    wanted = sorted_places(x, axis, descending=descending)
    np.testing.assert_array_equal(memory.read(places), wanted)
    assert memory.read(elements).tobytes() == np.take_along_axis(x, wanted, axis).tobytes()


@pytest.mark.parametrize("shape", [(400, 120), (300_000,)])
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_large_arrays_are_sorted(shape, dtype):
    x = (np.random.default_rng(0).standard_normal(shape) * 1e6).astype(dtype)
    memory = Memory()
    places = memory.view(np.zeros(shape, np.int64))
    launches = argsort_launches(isa(), memory.view(x), places, len(shape) - 1, memory.allocate)
    assert launches[0].tasks > 1 or len(shape) == 1
    memory.run(launches)
    np.testing.assert_array_equal(memory.read(places), np.argsort(x, -1, kind="stable"))


def test_sorting_nothing_is_no_launch():
    memory = Memory()
    empty = memory.view(np.zeros((3, 0), np.float32))
    assert sort_launches(isa(), empty, empty, 1, memory.allocate) == []
    assert extreme_launches(isa(), empty, memory.view(np.zeros(0, np.int64)), 0, memory.allocate, greatest=True) == []
