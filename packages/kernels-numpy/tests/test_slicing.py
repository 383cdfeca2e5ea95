"""Slices against Python's own, and dynamic slices against clamped ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dovetail_protocols import operations as ops

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
BOUNDS = st.none() | st.integers(-7, 7)
STRIDES = st.none() | st.integers(-3, 3).filter(bool)


@given(data=st.data(), shape=SHAPES)
def test_slice_takes_what_python_takes(compute, data, shape):
    x = np.arange(int(np.prod(shape))).reshape(shape)
    count = data.draw(st.integers(0, len(shape)))
    entries = data.draw(st.lists(st.tuples(BOUNDS, BOUNDS, STRIDES), min_size=count, max_size=count))
    starts, stops, strides = (tuple(entry[k] for entry in entries) for k in range(3))
    key = tuple(slice(*entry) for entry in entries)
    found = compute(ops.slice, x, starts=starts, stops=stops, strides=strides)
    np.testing.assert_array_equal(found, x[key])
    assert found.shape == x[key].shape
    if all(stride is None for stride in strides):
        np.testing.assert_array_equal(compute(ops.slice, x, starts=starts, stops=stops), x[key])
    written = np.zeros_like(x)
    written[key] = x[key] + 1
    scattered = compute(ops.scatter_slice, x[key] + 1, shape=shape, starts=starts, stops=stops, strides=strides)
    np.testing.assert_array_equal(scattered, written)


def test_a_slice_shares_memory_with_its_operand(compute):
    x = np.arange(6)
    assert np.shares_memory(compute(ops.slice, x, starts=(4,), stops=(None,), strides=(-1,)), x)


@given(data=st.data(), shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=5))
def test_dynamic_slices_are_clamped_inside(compute, data, shape):
    x = np.arange(int(np.prod(shape))).reshape(shape)
    sizes = tuple(data.draw(st.integers(0, size)) for size in shape)
    starts = [np.asarray(data.draw(st.integers(-8, 8))) for _ in shape]
    firsts = [
        max(0, min(int(start) + (size if start < 0 else 0), size - length))
        for start, size, length in zip(starts, shape, sizes, strict=True)
    ]
    key = tuple(slice(first, first + length) for first, length in zip(firsts, sizes, strict=True))
    np.testing.assert_array_equal(compute(ops.dynamic_slice, x, *starts, sizes=sizes), x[key])
    expected = x.copy()
    expected[key] = -1
    np.testing.assert_array_equal(compute(ops.dynamic_update_slice, x, np.full(sizes, -1), *starts), expected)


def test_dynamic_update_slice_leaves_its_operand_alone(compute):
    x = np.zeros(3)
    compute(ops.dynamic_update_slice, x, np.ones(2), np.asarray(0))
    np.testing.assert_array_equal(x, np.zeros(3))


@pytest.mark.parametrize(
    ("key", "attributes"),
    [
        ((slice(1, None),), {"begin": (1,), "end": (0,), "end_mask": 1}),
        (
            (slice(None, -1, 2), 1),
            {"begin": (9, 1), "end": (-1, 2), "strides": (2, 1), "begin_mask": 1, "shrink_axis_mask": 2},
        ),
        ((..., None, slice(0, 2)), {"begin": (0, 0, 0), "end": (0, 0, 2), "ellipsis_mask": 1, "new_axis_mask": 2}),
        ((0, ..., -1), {"begin": (0, 0, -1), "end": (1, 0, 0), "ellipsis_mask": 2, "shrink_axis_mask": 5}),
        ((slice(None, None, -1),), {"begin": (0,), "end": (0,), "strides": (-1,), "begin_mask": 1, "end_mask": 1}),
        ((None, 1), {"begin": (0, 1), "end": (0, 2), "new_axis_mask": 1, "shrink_axis_mask": 2}),
    ],
)
def test_strided_slice_reads_its_masks(decomposed, key, attributes):
    x = np.arange(60).reshape(3, 4, 5)
    found = decomposed(ops.strided_slice, x, **attributes)
    np.testing.assert_array_equal(found, x[key])
    assert found.shape == x[key].shape
