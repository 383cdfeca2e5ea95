"""Copies and fills against NumPy: every stride, nothing touched but the target, on whatever instruction set."""

import ctypes
import mmap
import sys
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.copies import copy_launches, fill_launches
from dovetail_kernels_llvm.kernels.copies.nests import coalesced
from dovetail_kernels_llvm.kernels.kernel import View
from dovetail_kernels_llvm.runtime.plain import run

SIZES = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 16, 17, 31, 33])
DTYPES = ["bool", "int8", "float16", "int32", "float32", "float64", "complex64", "complex128"]
few = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def seen(number, array, base):
    """The view of an array whose memory belongs to a base."""
    steps = tuple(stride // array.itemsize for stride in array.strides)
    distance = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return View(number, str(array.dtype), array.shape, steps, distance // array.itemsize)


def numbered(shape, dtype):
    """Distinct bytes, as far as a dtype has them."""
    count = prod(shape)
    if dtype == "bool":
        return (np.arange(count) % 3 == 0).reshape(shape)
    return np.asarray(np.arange(count) * 7 % 251).astype(dtype).reshape(shape)


@st.composite
def placements(draw, shape):
    """How an array of a shape lies in a larger one: an order of axes, a step and a margin for each."""
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 1, 1, 2, -1, -2, 3])) for _ in shape]
    margins = [draw(st.sampled_from([0, 0, 1, 3])) for _ in shape]
    return order, steps, margins


def placed(shape, dtype, placement, fill):
    """(base, view of that shape in it): the view's elements are `fill`'s, the rest of the base is odd."""
    order, steps, margins = placement
    sizes = [
        (size - 1) * abs(step) + 1 + 2 * margin if size else 2 * margin
        for size, step, margin in zip(shape, steps, margins, strict=True)
    ]
    base = numbered([sizes[axis] for axis in order], dtype).copy()
    view = base.transpose(np.argsort(order).astype(int).tolist())
    keys = []
    for size, step, margin in zip(shape, steps, margins, strict=True):
        first = margin if step > 0 else margin + (size - 1) * -step
        last = first + size * step
        keys.append(slice(first, last if last >= 0 else None, step) if size else slice(0, 0))
    view = view[(..., *keys)]
    assert view.shape == tuple(shape)
    if fill is not None:
        view[...] = fill
    return base, view


def copied(source, source_base, target, target_base):
    """Runs a copy; gives the bytes that the target's base should then have."""
    wanted = target_base.copy()
    twin = np.lib.stride_tricks.as_strided(
        wanted.reshape(-1)[seen(1, target, target_base).offset :] if target.size else wanted.reshape(-1)[:0],
        target.shape,
        target.strides,
    )
    if target.size:
        twin[...] = source
    launches = copy_launches(isa(), seen(0, source, source_base), seen(1, target, target_base))
    for launch in launches:
        assert launch.writes == (1,)
    run(launches, {0: source_base, 1: target_base})
    return wanted.tobytes()


@st.composite
def copies(draw):
    shape = tuple(draw(st.lists(SIZES, min_size=0, max_size=4).filter(lambda sizes: prod(sizes) < 20000)))
    return shape, draw(placements(shape)), draw(placements(shape)), draw(st.sampled_from(DTYPES))


@few
@given(copies())
def test_copy_moves_elements_between_any_strides_and_touches_nothing_else(drawn):
    shape, reading, writing, dtype = drawn
    source_base, source = placed(shape, dtype, reading, numbered(shape, dtype))
    target_base, target = placed(shape, dtype, writing, None)
    wanted = copied(source, source_base, target, target_base)
    assert target_base.tobytes() == wanted


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(67, 131), (16, 64), (3, 70), (2, 3, 19, 33)])
def test_copy_transposes_planes_of_every_element_size(dtype, shape):
    source = numbered(shape, dtype).swapaxes(-1, -2)
    target = np.zeros(source.shape, dtype)
    wanted = copied(source, source.base, target, target)
    assert target.tobytes() == wanted


def test_launches_name_the_memory_that_they_touch():
    source, target = View(0, "float32", (4, 5), (5, 1)), View(1, "float32", (4, 5), (-5, -1), 19)
    (launch,) = copy_launches(isa(), source, target)
    for view in launch.arguments:
        assert (view.offset, view.size) == (0 if view.buffer == 1 else 19, 20)
        last = view.offset + sum((size - 1) * step for size, step in zip(view.shape, view.strides, strict=True))
        assert 0 <= last < 20


@pytest.mark.parametrize("shape", [(0,), (3, 0, 2)])
def test_copy_of_nothing_is_no_launch(shape):
    view = View(0, "float32", shape, (1,) * len(shape))
    assert copy_launches(isa(), view, view) == []


def test_copy_repeats_a_broadcast_source():
    column = numbered((37, 1), "float32")
    for source in (np.broadcast_to(column, (37, 53)), np.broadcast_to(column.reshape(1, 37), (53, 37))):
        target = np.zeros(source.shape, np.float32)
        wanted = copied(source, column, target, target)
        assert target.tobytes() == wanted


@pytest.mark.parametrize("shape", [(700, 701), (1_000_003,), (4, 300, 301), (3, 500_001)])
def test_large_copies_are_cut_into_tasks_whose_order_does_not_matter(shape):
    source = numbered(shape, "float32")
    for view in (source, source.transpose(), np.flip(source, -1), source[..., ::3]):
        target = np.full(view.shape, -1, np.float32)
        (launch,) = copy_launches(isa(), seen(0, view, source), seen(1, target, target))
        assert launch.tasks > 1 or 8 * view.size < 1 << 20
        backwards(launch, {0: source, 1: target})
        np.testing.assert_array_equal(target, view)


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


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("shape", [(2050, 2080), (2080, 2050)])
def test_planes_beyond_the_cache_are_transposed_at_any_alignment(shape, shift):
    source = numbered(shape, "float32")
    room = np.full(source.size + 64, -1, np.float32)
    first = -room.ctypes.data % 64 // 4 + shift
    target = room[first : first + source.size].reshape(shape[::-1])
    (launch,) = copy_launches(isa(), seen(0, source.T, source), seen(1, target, room))
    backwards(launch, {0: source, 1: room})
    np.testing.assert_array_equal(target, source.T)
    assert (room[:first] == -1).all()
    assert (room[first + source.size :] == -1).all()


def test_equal_copies_share_their_text():
    one = copy_launches(isa(), View(0, "float32", (8, 9), (9, 1)), View(1, "float32", (8, 9), (1, 8), 5))
    other = copy_launches(isa(), View(7, "int32", (8, 9), (9, 1), 3), View(4, "int32", (8, 9), (1, 8)))
    assert one[0].kernel.text == other[0].kernel.text


@pytest.mark.skipif(sys.platform == "win32", reason="pages are protected by mprotect")
@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("shape", [(19, 37), (5, 3), (64, 64)])
def test_copy_reads_nothing_beyond_its_source(shape, at_end):
    source = beside_forbidden_page(numbered(shape, "float32"), at_end=at_end)
    for view in (source, source.T, source[:, ::-1], source[:, 1:]):
        target = np.zeros(view.shape, np.float32)
        run(copy_launches(isa(), seen(0, view, source), seen(1, target, target)), {0: source, 1: target})
        np.testing.assert_array_equal(target, view)


def beside_forbidden_page(array, *, at_end):
    """A copy that ends, or begins, where memory that may not be touched begins, or ends."""
    page = mmap.PAGESIZE
    pages = -(-array.nbytes // page)
    memory = mmap.mmap(-1, (pages + 2) * page)
    raw = np.frombuffer(memory, np.uint8)
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    for place in (0, pages + 1):
        assert protect(ctypes.c_void_p(raw.ctypes.data + place * page), ctypes.c_size_t(page), 0) == 0
    first = (pages + 1) * page - array.nbytes if at_end else page
    kept = raw[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
    kept[...] = array
    return kept


# ---------------------------------------------------------------------- fills


@few
@given(st.data())
def test_fill_puts_a_number_into_any_strides_and_touches_nothing_else(data):
    shape = tuple(data.draw(st.lists(SIZES, min_size=0, max_size=3)))
    dtype = data.draw(st.sampled_from(DTYPES))
    value = data.draw(st.sampled_from([0, 1, 3]))
    base, target = placed(shape, dtype, data.draw(placements(shape)), None)
    wanted_base, wanted = base.copy(), None
    launches = fill_launches(isa(), seen(0, target, base), value)
    run(launches, {0: base})
    wanted = np.lib.stride_tricks.as_strided(
        wanted_base.reshape(-1)[seen(0, target, base).offset :], target.shape, target.strides
    )
    wanted[...] = value
    assert base.tobytes() == wanted_base.tobytes()


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float32", -np.inf),
        ("float16", 1e9),
        ("float64", 0.1),
        ("complex128", 1 - 2j),
        ("uint64", 2**64 - 1),
        ("int8", -3),
    ],
)
def test_fill_converts_as_numpy(dtype, value):
    target = np.zeros(70, dtype)
    run(fill_launches(isa(), seen(0, target, target), value), {0: target})
    with np.errstate(all="ignore"):
        wanted = np.full(70, value, dtype)
    assert target.tobytes() == wanted.tobytes()


def test_fill_rounds_to_bfloat16():
    target = np.zeros(3, np.uint16)
    view = View(0, "bfloat16", (3,), (1,))
    for value, bits in (
        (1.0, 0x3F80),
        (1 + 2**-8, 0x3F80),
        (1 + 2**-7 + 2**-8, 0x3F82),
        (np.nan, 0x7FC0),
        (np.inf, 0x7F80),
    ):
        run(fill_launches(isa(), view, value), {0: target})
        assert target.tolist() == [bits] * 3


def test_large_fill_is_cut_into_tasks():
    target = np.zeros(1_000_003, np.float32)
    (launch,) = fill_launches(isa(), seen(0, target, target), 2.5)
    assert launch.tasks > 1
    backwards(launch, {0: target})
    assert (target == 2.5).all()


# ---------------------------------------------------------------------- axes


def test_axes_that_lie_side_by_side_become_one():
    nest = coalesced((2, 3, 1, 4), (12, 4, 99, 1), (24, 8, 7, 2))
    assert (nest.shape, nest.strides) == ((24,), ((1,), (2,)))
    assert coalesced((2, 3), (3, 1), (1, 2)).shape == (2, 3)
