"""What matrix products do with their results before they store them."""

from __future__ import annotations

import numpy as np
import pytest
from matmul_buffers import Buffers, bound, broadcast, drawn, launches_of

from dovetail_kernels_llvm.kernels.cluster import (
    COLUMN,
    CONSTANT,
    FULL,
    INDEX,
    LOAD,
    ONE,
    PRODUCT,
    ROW,
    Cluster,
    Store,
    Term,
)

RESULT = Term(PRODUCT, (), "float32")


def load(view, shape, space=FULL):
    return Term(LOAD, (), view.dtype, space, broadcast(view, shape))


@pytest.mark.parametrize("k", [70, 3000, 9000])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_bias_and_mask_with_two_stores(k, layout):
    m, n = 45, 70
    a, b, bias, mask = drawn((m, k)), drawn((k, n), start=1), drawn((n,), start=2), drawn((m, n), start=3)
    buffers = Buffers()
    a_view, b_view, bias_view = buffers.add(a), buffers.add(b, layout), buffers.add(bias)
    mask_view = buffers.add(mask, "gaps between columns")
    first = buffers.add(np.zeros((m, n), np.float32))
    second = buffers.add(np.zeros((m, n), np.float32), "gaps between columns")
    terms = (
        load(bias_view, (m, n), COLUMN),
        RESULT,
        Term("add", (1, 0), "float32"),
        load(mask_view, (m, n)),
        Term("multiply", (2, 3), "float32"),
    )
    epilogue = Cluster((m,), n, terms, (Store(2, first), Store(4, second)))
    buffers.run(launches_of(buffers, a_view, b_view, epilogue))
    exact = a.astype(np.float64) @ b.astype(np.float64) + bias
    allowed = bound(a, b) + np.finfo("float32").eps * np.abs(exact)
    assert np.all(np.abs(buffers.value(first) - exact) <= allowed)
    allowed = allowed * np.abs(mask) + np.finfo("float32").eps * np.abs(exact * mask)
    assert np.all(np.abs(buffers.value(second) - exact * mask) <= allowed)


@pytest.mark.parametrize("m", [7, 50])
@pytest.mark.parametrize("layout", ["rows", "columns", "reversed"])
def test_sum_in_place(m, layout):
    n, k = 37, 40
    a, b, c = drawn((2, m, k)), drawn((2, k, n), start=1), drawn((2, m, n), start=2)
    buffers = Buffers()
    a_view, b_view, c_view = (buffers.add(one, layout) for one in (a, b, c))
    terms = (RESULT, load(c_view, (2, m, n)), Term("add", (0, 1), "float32"))
    buffers.run(launches_of(buffers, a_view, b_view, Cluster((2, m), n, terms, (Store(2, c_view),))))
    exact = a.astype(np.float64) @ b.astype(np.float64) + c
    allowed = bound(a, b) + np.finfo("float32").eps * np.abs(exact)
    assert np.all(np.abs(buffers.value(c_view) - exact) <= allowed)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_epilogue_knows_places_rows_and_single_numbers(axis, layout):
    shape = (2, 21, 37)
    a, b = drawn((2, 21, 5), "int64"), drawn((2, 5, 37), "int64", start=1)
    rows, one = drawn((2, 21, 1), "int64", start=2), np.array([3])
    buffers = Buffers()
    a_view, b_view, rows_view, one_view = (buffers.add(array) for array in (a, b, rows, one))
    result = buffers.add(np.zeros(shape, np.int64), layout)
    terms = (
        Term(INDEX, (), "int64", FULL, None, (("axis", axis),)),
        Term(PRODUCT, (), "int64"),
        Term("multiply", (0, 1), "int64"),
        load(rows_view, shape, ROW),
        Term("add", (2, 3), "int64"),
        load(one_view, shape, ONE),
        Term("multiply", (4, 5), "int64"),
        Term(CONSTANT, (), "int64", ONE, None, (("value", 7),)),
        Term("subtract", (6, 7), "int64"),
    )
    buffers.run(launches_of(buffers, a_view, b_view, Cluster(shape[:-1], shape[-1], terms, (Store(8, result),))))
    expected = ((a @ b) * np.indices(shape)[axis] + rows) * 3 - 7
    np.testing.assert_array_equal(buffers.value(result), expected)


def test_long_epilogue_over_sums_in_memory():
    m, n, k = 33, 50, 600
    a, b = drawn((m, k)) / 20, drawn((k, n), start=1)
    buffers = Buffers()
    a_view, b_view, result = buffers.add(a), buffers.add(b), buffers.add(np.zeros((m, n), np.float32))
    terms = (RESULT, Term("tanh", (0,), "float32"))
    buffers.run(launches_of(buffers, a_view, b_view, Cluster((m,), n, terms, (Store(1, result),))))
    exact = np.tanh(a.astype(np.float64) @ b.astype(np.float64))
    assert np.all(np.abs(buffers.value(result) - exact) <= bound(a, b) + 4 * np.finfo("float32").eps)


def test_product_of_half_precision_is_rounded_by_the_store_alone():
    a, b, c = (drawn(shape, "float16", start) for start, shape in enumerate([(20, 30), (30, 40), (20, 40)]))
    buffers = Buffers()
    a_view, b_view, c_view = (buffers.add(one) for one in (a, b, c))
    result = buffers.add(np.zeros((20, 40), "float16"))
    terms = (Term(PRODUCT, (), "float16"), load(c_view, (20, 40)), Term("add", (0, 1), "float16"))
    buffers.run(launches_of(buffers, a_view, b_view, Cluster((20,), 40, terms, (Store(2, result),))))
    exact = a.astype(np.float64) @ b.astype(np.float64) + c
    half = np.finfo("float16")
    allowed = bound(a, b) + (half.eps / 2 + 1e-6) * np.abs(exact) + half.smallest_subnormal
    assert np.all(np.abs(buffers.value(result) - exact) <= allowed)
