"""Matrix products by shape, layout and dtype."""

from __future__ import annotations

import ctypes
import mmap
import sys

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from matmul_buffers import LAYOUTS, Buffers, bound, check_product, drawn, launches_of, plain

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.kernel import View, c_strides
from dovetail_kernels_llvm.kernels.matmul import Matmul, matmul_launches
from dovetail_kernels_llvm.runtime.plain import run

SIZES = st.sampled_from([1, 2, 3, 7, 8, 9, 13, 16, 17, 31, 32, 33, 49, 61, 97])


@seed(1)
@settings(max_examples=25, deadline=None, database=None)
@given(st.data())
def test_product_agrees_with_float64_in_any_layout(data):
    m, n, k = (data.draw(SIZES) for _ in range(3))
    batches = [data.draw(st.sampled_from([(), (1,), (3,)])) for _ in range(2)]
    layouts = [data.draw(st.sampled_from(sorted(LAYOUTS))) for _ in range(3)]
    check_product(drawn((*batches[0], m, k)), drawn((*batches[1], k, n), start=1), layouts)


@pytest.mark.parametrize(
    ("m", "k", "n"),
    [
        pytest.param(1, 1, 1, id="one number"),
        pytest.param(5, 0, 3, id="an empty sum"),
        pytest.param(1, 130, 300, id="a row by a matrix"),
        pytest.param(300, 130, 1, id="a matrix by a column"),
        pytest.param(1, 1001, 1, id="a row by a column"),
        pytest.param(130, 70, 10, id="few columns"),
        pytest.param(10, 1, 20, id="a sum of one product"),
        pytest.param(3, 9001, 5, id="a long sum of few results"),
        pytest.param(70, 2500, 40, id="a long sum"),
        pytest.param(257, 700, 520, id="rows too far apart to be read in place"),
    ],
)
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_product_of_a_shape(m, k, n, layout):
    check_product(drawn((m, k)), drawn((k, n), start=1), (layout, layout, "rows"))


def test_results_that_lie_in_columns():
    check_product(drawn((2, 21, 30)), drawn((2, 30, 43), start=1), ("rows", "rows", "columns"))


@pytest.mark.parametrize("layout", ["columns", "batch innermost", "reversed"])
def test_few_rows_by_contiguous_columns(layout):
    check_product(drawn((2, 7, 100)), drawn((2, 100, 35), start=1), (layout, "columns", "rows"))


def test_batches_of_one_operand_are_rows_of_one_product():
    one, many = (
        check_product(drawn((*batch, 5, 40)), drawn((40, 30), start=1), ("rows",) * 3)[0] for batch in ((), (6,))
    )
    assert "matmul 30×40×30" in many.kernel.what
    assert "matmul 5×40×30" in one.kernel.what


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_row_by_a_matrix_in_each_batch(layout):
    check_product(drawn((6, 1, 40)), drawn((6, 40, 30), start=1), ("rows", layout, "rows"))


def test_copy_of_an_operand_is_shared_by_all_batches():
    launches = check_product(drawn((3, 150, 301)), drawn((301, 190), start=1), ("batch innermost", "columns", "rows"))
    *_, copy, _ = launches
    (copied,) = (copy.arguments[place] for place in copy.writes)
    assert isinstance(copied, View)
    assert 301 * 190 <= copied.size < 2 * 301 * 190


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_tasks_may_run_in_any_order(layout):
    a, b = drawn((150, 301)), drawn((301, 190), start=1)
    results = []
    for backward in (False, True):
        buffers = Buffers()
        views = [buffers.add(a, layout), buffers.add(b, layout), buffers.add(np.zeros((150, 190), np.float32))]
        launches = launches_of(buffers, views[0], views[1], plain(views[2]))
        assert launches[-1].tasks % 2 == 0
        buffers.run(launches, backward=backward)
        results.append(buffers.value(views[2]).tobytes())
    assert results[0] == results[1]


@pytest.mark.parametrize("shape", [(3, 0, 4, 5), (0, 3, 4, 5), (3, 3, 4, 0)])
def test_no_results_need_no_launch(shape):
    batch, m, k, n = shape
    buffers = Buffers()
    a, b, c = (buffers.add(np.zeros(one, np.float32)) for one in ((batch, m, k), (batch, k, n), (batch, m, n)))
    assert launches_of(buffers, a, b, plain(c)) == []


def test_small_products_are_one_task_without_copies():
    (launch,) = check_product(drawn((32, 64)), drawn((64, 32), start=1))
    assert (launch.tasks, launch.kernel.scratch_bytes) == (1, 0)


def test_launch_tells_what_it_writes_and_computes():
    buffers = Buffers()
    a, b, c = buffers.add(drawn((20, 30))), buffers.add(drawn((30, 40))), buffers.add(drawn((20, 40)))
    (launch,) = launches_of(buffers, a, b, plain(c))
    assert [launch.arguments[place] for place in launch.writes] == [c]
    assert launch.flops == 2 * 20 * 30 * 40
    assert launch.bytes == 4 * (20 * 30 + 30 * 40 + 20 * 40)


# ---------------------------------------------------------------------- dtypes


@pytest.mark.parametrize("layouts", [("rows",) * 3, ("columns", "columns", "rows"), ("rows", "rows", "columns")])
@pytest.mark.parametrize("m", [5, 37])
def test_doubles(m, layouts):
    check_product(drawn((m, 45), "float64"), drawn((45, 29), "float64", start=1), layouts)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64"])
def test_whole_numbers_wrap_around(dtype):
    check_product(drawn((19, 70), dtype), drawn((70, 37), dtype, start=1), ("rows", "columns", "rows"))


def test_half_precision_is_summed_in_single():
    a, b = drawn((35, 400), "float16"), drawn((400, 50), "float16", start=1)
    for layout in ("rows", "columns"):
        buffers = Buffers()
        views = [buffers.add(a, layout), buffers.add(b, layout), buffers.add(np.zeros((35, 50), "float16"))]
        buffers.run(launches_of(buffers, views[0], views[1], plain(views[2])))
        exact = a.astype(np.float64) @ b.astype(np.float64)
        allowed = bound(a, b) + np.finfo("float16").eps / 2 * np.abs(exact) + np.finfo("float16").smallest_subnormal
        assert np.all(np.abs(buffers.value(views[2]) - exact) <= allowed)


@pytest.mark.parametrize("m", [5, 35])
def test_bfloat16_is_summed_in_single(m):
    bits = [(drawn(shape).view(np.uint32) >> 16).astype(np.uint16) for shape in [(m, 400), (400, 50)]]
    a, b = ((one.astype(np.uint32) << 16).view(np.float32) for one in bits)
    buffers = Buffers()
    views = [buffers.add(one, "columns", "bfloat16") for one in bits]
    result = buffers.add(np.zeros((m, 50), np.float32))
    buffers.run(launches_of(buffers, views[0], views[1], plain(result)))
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert np.all(np.abs(buffers.value(result) - exact) <= bound(a, b))


def test_not_a_number_and_infinities_stay_where_they_belong():
    a, b = drawn((20, 33)), drawn((33, 40), start=1)
    a[3, 5], b[7, 11], a[6, 0] = np.nan, np.nan, np.inf
    buffers = Buffers()
    views = [buffers.add(a), buffers.add(b, "columns"), buffers.add(np.zeros((20, 40), np.float32))]
    buffers.run(launches_of(buffers, views[0], views[1], plain(views[2])))
    with np.errstate(invalid="ignore"):
        expected = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_allclose(buffers.value(views[2]), expected, rtol=1e-4, atol=1e-4)


# ---------------------------------------------------------------------- memory


def guarded(shape: tuple[int, ...], *, at_end: bool) -> np.ndarray:
    """An array that ends, or begins, where a page does beyond which nothing may be read or written."""
    page, count = mmap.PAGESIZE, int(np.prod(shape)) * 4
    inner = -(-count // page) * page
    memory = mmap.mmap(-1, inner + 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None).mprotect
    for start in (address, address + page + inner):
        assert protect(ctypes.c_void_p(start), ctypes.c_size_t(page), 0) == 0
    start = page + (inner - count if at_end else 0)
    return np.frombuffer(memory, np.float32, count // 4, start).reshape(shape)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects pages as Linux does")
@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize(("m", "k", "n"), [(9, 13, 35), (3, 50, 7), (33, 70, 17), (1, 19, 61), (20, 5, 3)])
def test_nothing_beyond_the_operands_is_touched(m, k, n, turned, at_end):
    arrays = [guarded(shape, at_end=at_end) for shape in ((m, k), (k, n), (m, n))]
    arrays[0][...], arrays[1][...] = drawn((m, k)), drawn((k, n), start=1)
    views = [View(place, "float32", one.shape, c_strides(one.shape)) for place, one in enumerate(arrays)]
    if turned:
        arrays[0], arrays[1] = arrays[0].reshape(k, m).T, arrays[1].reshape(n, k).T
        views[:2] = View(0, "float32", (m, k), (1, m)), View(1, "float32", (k, n), (1, k))

    def allocate(dtype: str, shape: tuple[int, ...]) -> View:
        arrays.append(np.empty(shape, dtype))
        return View(len(arrays) - 1, dtype, shape, c_strides(shape))

    launches = matmul_launches(isa(), Matmul(views[0], views[1], plain(views[2])), allocate)
    run(launches, dict(enumerate(arrays)))
    exact = arrays[0].astype(np.float64) @ arrays[1].astype(np.float64)
    assert np.all(np.abs(arrays[2] - exact) <= bound(arrays[0], arrays[1]))
