"""Gathering and scattering against NumPy: any strides, any index, nothing touched outside, sums in order."""

import ctypes
import mmap
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.indexing import (
    embedding_gradient_launches,
    embedding_launches,
    gather_nd_launches,
    put_along_axis_launches,
    scatter_launches,
    scatter_nd_launches,
    take_along_axis_launches,
    take_launches,
)
from dovetail_kernels_llvm.kernels.kernel import View, c_strides
from dovetail_kernels_llvm.runtime.plain import run

few = settings(max_examples=25, deadline=None, derandomize=True, database=None)
SIZES = st.sampled_from([1, 2, 3, 5, 8, 17, 33])
DTYPES = st.sampled_from(["bool", "int8", "float16", "float32", "int64", "complex64", "complex128"])
INDEX_DTYPES = st.sampled_from(["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"])


class Memory:
    """Arrays by number of buffer, each with odd bytes around it that must stay."""

    MARGIN = 64

    def __init__(self):
        self.buffers = {}

    def view(self, array, order=None):
        """The view of a copy of an array, whose axes lie in memory in that order."""
        array = np.asarray(array)
        order = list(order) if order is not None else list(range(array.ndim))
        flat = np.empty(array.size + 2 * self.MARGIN, array.dtype)
        flat.view(np.uint8)[:] = 0x01 if array.dtype == bool else 0x5A
        inner = flat[self.MARGIN : self.MARGIN + array.size].reshape([array.shape[axis] for axis in order])
        seen = inner.transpose([order.index(axis) for axis in range(array.ndim)])
        seen[...] = array
        number = len(self.buffers)
        self.buffers[number] = flat
        steps = tuple(stride // array.itemsize for stride in seen.strides)
        return View(number, str(array.dtype), array.shape, steps, self.MARGIN)

    def allocate(self, dtype, shape):
        return self.view(np.zeros(shape, dtype))

    def run(self, launches):
        run(launches, self.buffers)
        for flat in self.buffers.values():
            edges = flat.view(np.uint8)
            size = self.MARGIN * flat.itemsize
            assert (edges[:size] == edges[0]).all()
            assert (edges[len(edges) - size :] == edges[0]).all()

    def read(self, view):
        flat = self.buffers[view.buffer]
        steps = [step * flat.itemsize for step in view.strides]
        return np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, steps).copy()


def numbers(shape, dtype, seed=0):
    drawn = np.asarray(np.random.default_rng(seed).integers(0, 100, shape))
    return np.asarray(drawn % 2 == 0) if dtype == "bool" else drawn.astype(dtype)


def indices(shape, size, dtype, seed=0):
    lowest = 0 if dtype.startswith("u") else -size
    return np.asarray(np.random.default_rng(seed).integers(lowest, size, shape)).astype(dtype)


@few
@given(st.data())
def test_take_gives_what_numpy_gives(data):
    before = data.draw(st.lists(SIZES, max_size=2))
    after = data.draw(st.lists(SIZES, max_size=2))
    where = data.draw(st.lists(SIZES, max_size=2))
    size, dtype, index_dtype = data.draw(SIZES), data.draw(DTYPES), data.draw(INDEX_DTYPES)
    x, index = numbers((*before, size, *after), dtype), indices(where, size, index_dtype)
    wanted = x.take(index.astype(np.int64), len(before))
    memory = Memory()
    target = memory.view(np.zeros_like(wanted), data.draw(st.permutations(range(wanted.ndim))))
    source = memory.view(x, data.draw(st.permutations(range(x.ndim))))
    memory.run(take_launches(isa(), source, memory.view(index), target, len(before)))
    np.testing.assert_array_equal(memory.read(target), wanted)


@few
@given(st.data())
def test_take_along_axis_gives_what_numpy_gives(data):
    shape = data.draw(st.lists(SIZES, min_size=1, max_size=3))
    axis = data.draw(st.integers(0, len(shape) - 1))
    dtype, index_dtype, count = data.draw(DTYPES), data.draw(INDEX_DTYPES), data.draw(SIZES)
    places = [1 if data.draw(st.booleans()) else size for size in shape]
    places[axis] = count
    x, index = numbers(shape, dtype), indices(places, shape[axis], index_dtype)
    full = np.broadcast_to(index.astype(np.int64), [count if k == axis else n for k, n in enumerate(shape)])
    wanted = np.take_along_axis(x, full, axis)
    memory = Memory()
    target = memory.view(np.zeros_like(wanted))
    source = memory.view(x, data.draw(st.permutations(range(x.ndim))))
    memory.run(take_along_axis_launches(isa(), source, memory.view(index), target, axis))
    np.testing.assert_array_equal(memory.read(target), wanted)


@few
@given(st.data())
def test_gather_nd_gives_the_slices_at_index_vectors(data):
    batch, pointed, rest = (data.draw(st.lists(SIZES, max_size=2)) for _ in range(3))
    positions, dtype = data.draw(st.lists(SIZES, min_size=0 if batch else 1, max_size=1)), data.draw(DTYPES)
    x = numbers((*batch, *pointed, *rest), dtype)
    parts = [indices((*batch, *positions), size, "int32", seed) for seed, size in enumerate(pointed)]
    vectors = np.stack(parts, -1) if parts else np.zeros((*batch, *positions, 0), np.int32)
    wanted = np.zeros((*batch, *positions, *rest), dtype)
    for place in np.ndindex(*batch, *positions):
        wanted[place] = x[(*place[: len(batch)], *vectors[place])]
    memory = Memory()
    target = memory.view(np.zeros_like(wanted))
    launches = gather_nd_launches(isa(), memory.view(x), memory.view(vectors), target, len(batch))
    memory.run(launches)
    np.testing.assert_array_equal(memory.read(target), wanted)


COMBINE = {
    "update": lambda old, new: new,
    "add": lambda old, new: old | new if old.dtype == bool else old + new,
    "subtract": lambda old, new: old - new,
    "min": np.minimum,
    "max": np.maximum,
}


@few
@given(st.data())
def test_scatter_meets_repeated_places_in_order(data):
    mode = data.draw(st.sampled_from(sorted(COMBINE)))
    dtypes = ["int8", "uint16", "int32", "float16", "float32", "float64"]
    dtypes += [] if mode == "subtract" else ["bool"]
    dtypes += [] if mode in ("min", "max") else ["complex64", "complex128"]
    dtype = data.draw(st.sampled_from(dtypes))
    pointed, rest = (data.draw(st.lists(SIZES, max_size=2)) for _ in range(2))
    positions = data.draw(st.lists(SIZES, min_size=1, max_size=2))
    x, updates = numbers((*pointed, *rest), dtype), numbers((*positions, *rest), dtype, 1)
    parts = [indices(positions, size, "int64", seed) for seed, size in enumerate(pointed)]
    vectors = np.stack(parts, -1) if parts else np.zeros((*positions, 0), np.int64)
    sums = x.astype(np.float32) if dtype == "float16" else x.copy()
    with np.errstate(over="ignore"):
        for place in np.ndindex(*positions):
            there = tuple(vectors[place])
            sums[there] = COMBINE[mode](sums[there], updates[place].astype(sums.dtype))
    memory = Memory()
    target = memory.view(np.zeros_like(x), data.draw(st.permutations(range(x.ndim))))
    views = memory.view(x), memory.view(vectors), memory.view(updates)
    memory.run(scatter_launches(isa(), *views, target, memory.allocate, mode=mode))
    np.testing.assert_array_equal(memory.read(target), sums.astype(dtype))


@few
@given(st.data())
def test_put_along_axis_gives_what_numpy_gives(data):
    shape = data.draw(st.lists(SIZES, min_size=1, max_size=3))
    axis = data.draw(st.integers(0, len(shape) - 1))
    mode, count = data.draw(st.sampled_from(["update", "add"])), data.draw(SIZES)
    dtype = data.draw(st.sampled_from(["float16", "int32", "float32", "complex64", "complex128"]))
    full = [count if k == axis else size for k, size in enumerate(shape)]
    x = numbers(shape, dtype)
    lines = [1 if k != axis and data.draw(st.booleans()) else size for k, size in enumerate(full)]
    index = indices(lines, shape[axis], "int32")
    values = numbers([1 if data.draw(st.booleans()) else size for size in full], dtype, 1)
    all_indices, all_values = np.broadcast_to(index, full), np.broadcast_to(values, full)
    sums = x.astype(np.float32) if dtype == "float16" else x.copy()
    for place in np.ndindex(*full):
        there = (*place[:axis], all_indices[place], *place[axis + 1 :])
        sums[there] = all_values[place] if mode == "update" else sums[there] + all_values[place]
    memory = Memory()
    target = memory.view(np.zeros_like(x))
    views = memory.view(x), memory.view(index), memory.view(values)
    memory.run(put_along_axis_launches(isa(), *views, target, axis, memory.allocate, mode=mode))
    np.testing.assert_array_equal(memory.read(target), sums.astype(dtype))


@pytest.mark.parametrize("features", [(), (1,), (3,), (64,), (5, 7), (200,)])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_embedding_and_its_gradient(features, dtype):
    table, index = numbers((11, *features), dtype), indices((4, 9), 11, "int32")
    memory = Memory()
    rows = memory.view(np.zeros((4, 9, *features), dtype))
    views = memory.view(table), memory.view(index)
    memory.run(embedding_launches(isa(), *views, rows))
    np.testing.assert_array_equal(memory.read(rows), table[index])
    cotangent = (np.random.default_rng(3).standard_normal((4, 9, *features))).astype(dtype)
    target = memory.view(np.full_like(table, 9))
    memory.run(embedding_gradient_launches(isa(), memory.view(cotangent), views[1], target, memory.allocate))
    wanted = np.zeros(table.shape, np.float32)
    np.add.at(wanted, index, cotangent.astype(np.float32))
    np.testing.assert_array_equal(memory.read(target), wanted.astype(dtype))


def test_bfloat16_sums_are_kept_in_single_precision():
    memory = Memory()
    cotangent = memory.view(np.full((1000, 1), 0x3F80, np.uint16))  # ones
    target = memory.view(np.zeros((1, 1), np.uint16))
    views = [View(one.buffer, "bfloat16", one.shape, one.strides, one.offset) for one in (cotangent, target)]
    index = memory.view(np.zeros(1000, np.int64))
    memory.run(embedding_gradient_launches(isa(), views[0], index, views[1], memory.allocate))
    assert memory.read(target).tolist() == [[0x447A]]  # 1000; adding up in bfloat16 ends at 256


def test_min_and_max_hand_on_nan():
    memory = Memory()
    x = np.array([1, np.nan, 3], np.float32)
    views = memory.view(x), memory.view(np.arange(3)[:, None]), memory.view(np.array([np.nan, 2, 2], np.float32))
    for mode, last in (("min", 2), ("max", 3)):
        target = memory.view(np.zeros(3, np.float32))
        memory.run(scatter_launches(isa(), *views, target, memory.allocate, mode=mode))
        np.testing.assert_array_equal(memory.read(target), [np.nan, np.nan, last])


WILD = {
    "int8": [-128, -5, 4, 127],
    "int64": [-(2**63), -5, 4, 2**63 - 1],
    "uint64": [4, 2**63, 2**64 - 1, 2**64 - 4],
    "uint8": [4, 255, 200, 100],
}


@pytest.mark.skipif(sys.platform == "win32", reason="pages are protected by mprotect")
@pytest.mark.parametrize("dtype", sorted(WILD))
@pytest.mark.parametrize("at_end", [True, False])
def test_indices_out_of_range_touch_no_other_memory(dtype, at_end):
    table = beside_forbidden_page(np.arange(12, dtype=np.float32).reshape(4, 3), at_end=at_end)
    wild, rows = np.array(WILD[dtype], dtype), np.zeros((4, 3), np.float32)
    buffers = {0: table, 1: wild, 2: rows}
    views = View(0, "float32", (4, 3), (3, 1)), View(1, dtype, (4,), (1,)), View(2, "float32", (4, 3), (3, 1))
    run(take_launches(isa(), *views, 0), buffers)
    nearest = [0 if index < 0 else 3 for index in WILD[dtype]]
    np.testing.assert_array_equal(rows, table[nearest])
    before = table.copy()
    vectors = View(1, dtype, (4, 1), (1, 1))
    for mode in ("update", "add"):
        run(scatter_launches(isa(), views[0], vectors, views[2], views[0], no_memory, mode=mode), buffers)
        np.testing.assert_array_equal(table, before)
    run(embedding_gradient_launches(isa(), views[2], views[1], views[0], no_memory), buffers)
    assert not table.any()


def no_memory(dtype, shape):
    raise AssertionError("nothing needs to be allocated")


def beside_forbidden_page(array, *, at_end):
    """A copy that ends, or begins, where memory that may not be touched begins, or ends."""
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 3 * page)
    raw = np.frombuffer(memory, np.uint8)
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    for place in (0, 2):
        assert protect(ctypes.c_void_p(raw.ctypes.data + place * page), ctypes.c_size_t(page), 0) == 0
    first = 2 * page - array.nbytes if at_end else page
    kept = raw[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
    kept[...] = array
    return kept


def test_an_empty_axis_reads_as_zeros_and_takes_no_updates():
    memory = Memory()
    empty, index = memory.view(np.zeros((0, 3), np.float32)), memory.view(np.zeros(2, np.int64))
    target = memory.view(np.ones((2, 3), np.float32))
    memory.run(take_launches(isa(), empty, index, target, 0))
    assert not memory.read(target).any()
    assert embedding_gradient_launches(isa(), target, index, empty, memory.allocate) == []
    nothing = memory.view(np.zeros((0, 3), np.float32))
    assert take_launches(isa(), target, memory.view(np.zeros(0, np.int64)), nothing, 0) == []


@pytest.mark.parametrize(("size", "count", "features"), [(50, 3000, 300), (4, 2000, 210), (20000, 700, 64)])
def test_large_updates_are_cut_into_tasks_whose_order_does_not_matter(size, count, features):
    generator = np.random.default_rng(1)
    cotangent = generator.standard_normal((count, features)).astype(np.float32)
    index, target = generator.integers(-size - 5, size + 5, count), np.empty((size, features), np.float32)
    views = View(0, "float32", cotangent.shape, c_strides(cotangent.shape)), View(1, "int64", (count,), (1,))
    launches = embedding_gradient_launches(
        isa(), *views, View(2, "float32", target.shape, c_strides(target.shape)), no_memory
    )
    assert max(launch.tasks for launch in launches) > 1
    for launch in launches:
        backwards(launch, {0: cotangent, 1: index, 2: target})
    wanted = np.zeros_like(target)
    inside = (index >= -size) & (index < size)
    np.add.at(wanted, index[inside], cotangent[inside])
    np.testing.assert_array_equal(target, wanted)


def backwards(launch, buffers):
    """Runs the tasks of a launch from the last to the first."""
    from dovetail_kernels_llvm.runtime.engine import compile_kernels

    addresses, alive = compile_kernels([launch.kernel.text])
    words = [
        one if isinstance(one, int) else buffers[one.buffer].ctypes.data + one.offset * buffers[one.buffer].itemsize
        for one in launch.arguments
    ]
    arguments = (ctypes.c_int64 * len(words))(*words)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)(addresses[launch.kernel.text])
    for task in reversed(range(launch.tasks)):
        function(ctypes.addressof(arguments), task, None)
    del alive


def test_scatter_nd_adds_to_zeros_where_lines_do_not_matter():
    memory = Memory()
    vectors = np.array([[0, 1], [2, 0], [0, 1], [-1, -1], [5, 0]], np.int16)
    updates = np.arange(5, dtype=np.float64) + 1
    target = memory.view(np.full((3, 2), 7.0))
    memory.run(scatter_nd_launches(isa(), memory.view(vectors), memory.view(updates), target, memory.allocate))
    assert memory.read(target).tolist() == [[0, 4], [0, 0], [2, 4]]
