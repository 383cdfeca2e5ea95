"""Gathering and scattering against NumPy's indexing, and against loops where NumPy has no such function."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import IndexRangeError

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
INDEX_DTYPES = st.sampled_from([np.int8, np.int32, np.int64])


def numbered(shape: tuple[int, ...]) -> Any:
    return np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape) + 1


def indices_for(size: int, shape: Any) -> Any:
    return INDEX_DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, shape, elements=st.integers(-size, size - 1)))


@given(data=st.data(), shape=SHAPES)
def test_take(compute, data, shape):
    x, axis = numbered(shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    where = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)
    indices = data.draw(indices_for(shape[axis], where))
    np.testing.assert_array_equal(compute(ops.take, x, indices, axis=axis), np.take(x, indices, axis))


def test_take_accepts_every_integer_dtype(compute):
    for dtype in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
        np.testing.assert_array_equal(compute(ops.take, numbered((3,)), np.array([2, 0], dtype)), [3, 1])


@given(data=st.data(), shape=SHAPES)
def test_along_axis(compute, data, shape):
    x, axis = numbered(shape), data.draw(st.integers(0, len(shape) - 1))
    places = tuple(
        data.draw(st.integers(0, 3)) if k == axis else data.draw(st.sampled_from([1, n])) for k, n in enumerate(shape)
    )
    indices = data.draw(indices_for(shape[axis], places))
    full = tuple(places[k] if k == axis else n for k, n in enumerate(shape))
    spread = np.broadcast_to(indices, full)
    np.testing.assert_array_equal(
        compute(ops.take_along_axis, x, indices, axis=axis - len(shape)), np.take_along_axis(x, spread, axis)
    )
    values = -numbered(full)
    put = {"update": x.copy(), "add": x.copy()}
    for at in np.ndindex(*full):
        to = tuple(int(spread[at]) if k == axis else at[k] for k in range(len(shape)))
        put["update"][to] = values[at]
        put["add"][to] += values[at]
    for mode, expected in put.items():
        np.testing.assert_array_equal(compute(ops.put_along_axis, x, indices, values, axis=axis, mode=mode), expected)


def test_put_along_axis_broadcasts_values_and_leaves_its_operand_alone(compute):
    x = np.zeros((2, 3))
    found = compute(ops.put_along_axis, x, np.array([[1], [2]]), np.array([[5.0]]), axis=1)
    np.testing.assert_array_equal(found, [[0, 5, 0], [0, 0, 5]])
    np.testing.assert_array_equal(x, np.zeros((2, 3)))


# ---------------------------------------------------------------------- index vectors


@st.composite
def vectors_into(draw: Any, shape: tuple[int, ...]) -> Any:
    """Index vectors (…, depth) into the first axes of a shape, repeated ones likely."""
    depth = draw(st.integers(0, len(shape)))
    outer = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4))
    columns = [draw(hnp.arrays(np.int64, outer, elements=st.integers(-n, n - 1))) for n in shape[:depth]]
    return np.stack(columns, axis=-1) if columns else np.zeros((*outer, 0), np.int64)


@given(data=st.data(), shape=SHAPES)
def test_gather_nd(compute, data, shape):
    x, vectors = numbered(shape), data.draw(vectors_into(shape))
    expected = np.empty((*vectors.shape[:-1], *shape[vectors.shape[-1] :]))
    for at in np.ndindex(*vectors.shape[:-1]):
        expected[at] = x[tuple(vectors[at])]
    np.testing.assert_array_equal(compute(ops.gather_nd, x, vectors), expected)


@given(data=st.data(), shape=SHAPES, examples=st.integers(0, 3))
def test_gather_nd_of_examples(compute, data, shape, examples):
    x = numbered((2, examples, *shape))
    vectors = data.draw(vectors_into(shape))
    batch = np.stack([np.stack([vectors] * examples)] * 2) if examples else np.zeros((2, 0, *vectors.shape), np.int64)
    expected = np.empty((2, examples, *vectors.shape[:-1], *shape[vectors.shape[-1] :]))
    for at in np.ndindex(2, examples, *vectors.shape[:-1]):
        expected[at] = x[at[:2]][tuple(batch[at])]
    np.testing.assert_array_equal(compute(ops.gather_nd, x, batch, batch_dims=2), expected)


@given(data=st.data(), shape=SHAPES)
def test_scatter(compute, data, shape):
    x, vectors = numbered(shape), data.draw(vectors_into(shape))
    updates = 3 * numbered((*vectors.shape[:-1], *shape[vectors.shape[-1] :])) - 7
    combine = {
        "update": lambda old, new: new,
        "add": np.add,
        "subtract": np.subtract,
        "min": np.minimum,
        "max": np.maximum,
    }
    for mode, function in combine.items():
        expected = x.copy()
        for at in np.ndindex(*vectors.shape[:-1]):
            expected[tuple(vectors[at])] = function(expected[tuple(vectors[at])], updates[at])
        np.testing.assert_array_equal(compute(ops.scatter, x, vectors, updates, mode=mode), expected)
    summed = np.zeros_like(x)
    for at in np.ndindex(*vectors.shape[:-1]):
        summed[tuple(vectors[at])] += updates[at]
    np.testing.assert_array_equal(compute(ops.scatter_nd, vectors, updates, shape=shape), summed)


def test_scatter_of_many_rows_is_the_same_each_time(compute):
    random = np.random.default_rng(0)
    vectors, updates = random.integers(0, 5, (400, 1)), random.standard_normal((400, 8)).astype(np.float32)
    first = compute(ops.scatter_nd, vectors, updates, shape=(5, 8))
    expected = np.stack([updates[vectors[:, 0] == row].astype(np.float64).sum(0) for row in range(5)])
    # 400 additions in float32, each off by at most half of 2^-23 of sums that stay below 64
    np.testing.assert_allclose(first, expected, atol=400 * 64 * 2.0**-24)
    assert first.tobytes() == compute(ops.scatter_nd, vectors, updates, shape=(5, 8)).tobytes()


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_sums_of_narrow_floats_do_not_stall(compute, dtype):
    count = 4000  # beyond 2048, where float16 can't count by ones any more, and 256 of bfloat16
    found = compute(ops.scatter_nd, np.zeros((count, 1), np.int64), np.ones(count, dtype), shape=(1,))
    assert float(found[0]) == float(np.asarray(count, dtype))


def test_scatter_leaves_its_operand_alone(compute):
    x = np.zeros(3)
    for mode in ("update", "add"):
        compute(ops.scatter, x, np.array([[1]]), np.ones(1), mode=mode)
    np.testing.assert_array_equal(x, np.zeros(3))


@pytest.mark.parametrize("bad", [3, -4])
def test_an_index_out_of_range_is_named(compute, bad):
    x, indices = numbered((2, 3)), np.array([[0, bad]])
    calls = [
        (ops.take, (x, indices), {"axis": 1}, "indices[0, 1]"),
        (ops.take_along_axis, (x, indices), {"axis": 1}, "indices[0, 1]"),
        (ops.put_along_axis, (x, indices, np.ones((2, 2))), {"axis": 1}, "indices[0, 1]"),
        (ops.gather_nd, (x, indices), {}, "axis 1 of size 3"),
        (ops.scatter_nd, (indices, np.ones(1)), {"shape": (2, 3)}, "axis 1 of size 3"),
        (ops.scatter, (x, indices, np.ones(1)), {}, "axis 1 of size 3"),
    ]
    for operation, arrays, attributes, where in calls:
        with pytest.raises(IndexRangeError, match=f"{operation.short_name}: index {bad} is out of range") as raised:
            compute(operation, *arrays, **attributes)
        assert where in str(raised.value)


def test_an_index_into_an_empty_axis_is_refused(compute):
    with pytest.raises(IndexRangeError, match="the axis is empty"):
        compute(ops.take, np.zeros((0, 2)), np.array([0]), axis=0)
    with pytest.raises(IndexRangeError):
        compute(ops.take, np.zeros(3), np.array([2**64 - 1], np.uint64))


# ---------------------------------------------------------------------- choosing by values


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3))
def test_where(compute, shapes):
    condition, x1, x2 = map(numbered, shapes.input_shapes)
    condition = condition % 2 == 1
    np.testing.assert_array_equal(compute(ops.where, condition, x1, -x2), np.where(condition, x1, -x2))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot(compute, decomposed, axis):
    indices = np.array([[0, 2], [3, -1]], np.int8)
    expected = np.moveaxis((indices[..., None] == np.arange(3)) * 4.0 + 1, -1, axis).astype(np.float32)
    for way in (compute, decomposed):
        found = way(ops.one_hot, indices, depth=3, axis=axis, on_value=5, off_value=1)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.float32
    assert decomposed(ops.one_hot, np.array([200], np.uint8), depth=300).argmax() == 200
    assert decomposed(ops.one_hot, np.array([2], np.uint64), depth=3).argmax() == 2


@given(shape=SHAPES)
def test_places_that_values_decide(compute, decomposed, shape):
    x = numbered(shape) % 3
    for found, expected in zip(compute(ops.nonzero, x), np.nonzero(x), strict=True):
        np.testing.assert_array_equal(found, expected)
    for way in (compute, decomposed):
        np.testing.assert_array_equal(way(ops.boolean_mask, x, x > 1), x[x > 1])
        part = (x > 1).any(axis=0)
        if len(shape) > 1:
            np.testing.assert_array_equal(way(ops.boolean_mask, x, part, axis=1), x[:, part])


def test_gather_with_batch_axes(decomposed):
    x = numbered((2, 3, 4, 2))
    indices = np.array([[[1, 0], [3, 3], [2, -1]]] * 2)
    expected = np.stack([[x[b, c][indices[b, c]] for c in range(3)] for b in range(2)])
    np.testing.assert_array_equal(decomposed(ops.gather, x, indices, batch_dims=2), expected)
    behind = np.stack([np.take(x[b], indices[b], axis=1) for b in range(2)])
    np.testing.assert_array_equal(decomposed(ops.gather, x, indices, batch_dims=1, axis=2), behind)
    np.testing.assert_array_equal(decomposed(ops.gather, x, indices[0, 0]), x[[1, 0]])


def test_a_tensor_package_passes_the_error_of_an_index_on():
    from dovetail_protocols.arrays import provider

    with pytest.raises(IndexRangeError, match="take: index 7 is out of range for axis 0 of size 3"):
        ops.take(provider().convert(np.zeros(3)), [0, 7])
