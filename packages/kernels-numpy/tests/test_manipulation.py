"""Manipulation, joining and tiling: kernels and decompositions against NumPy, over shapes that Hypothesis draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
NONSCALAR = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


def numbered(shape: tuple[int, ...]) -> Any:
    """0, 1, 2, … in an array that isn't contiguous, so that strides matter."""
    wide = np.arange(2 * int(np.prod(shape)), dtype=np.float32).reshape((*shape, 2))
    return wide[..., 0] if shape else np.asarray(wide[0])


@pytest.fixture(scope="session")
def check(compute, decomposed):
    """Compares the kernel, if there is one, and the decomposition with what NumPy gives."""

    def run(expected: Any, operation: Any, *arrays: Any, **attributes: Any) -> None:
        ways = [compute] if operation.is_primitive else [compute, decomposed]
        for way in ways:
            found = way(operation, *arrays, **attributes)
            several = isinstance(found, tuple)
            wanted = tuple(expected) if several else (expected,)
            for one, other in zip(found if several else (found,), wanted, strict=True):
                assert one.dtype == other.dtype
                assert one.shape == other.shape
                np.testing.assert_array_equal(one, other)

    return run


# ---------------------------------------------------------------------- shape


@given(data=st.data(), shape=SHAPES)
def test_reshape(check, data, shape):
    x = numbered(shape)
    target = list(data.draw(st.permutations(shape)))
    if target and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(target) - 1))
        if np.prod([size for axis, size in enumerate(target) if axis != place]) != 0:
            target[place] = -1
    check(x.reshape(target), ops.reshape, x, shape=tuple(target))


def test_reshape_copies_only_when_asked_or_needed(compute):
    x = np.arange(6.0).reshape(2, 3)
    assert np.shares_memory(compute(ops.reshape, x, shape=(6,)), x)
    assert np.shares_memory(compute(ops.reshape, x, shape=(6,), copy=False), x)
    assert not np.shares_memory(compute(ops.reshape, x, shape=(6,), copy=True), x)
    assert not np.shares_memory(compute(ops.reshape, x.T, shape=(6,), copy=True), x)
    with pytest.raises(AttributeValueError, match="can't be seen as"):
        compute(ops.reshape, x.T, shape=(6,), copy=False)


@given(data=st.data(), shape=NONSCALAR)
def test_flatten(check, data, shape):
    start = data.draw(st.integers(0, len(shape) - 1))
    end = data.draw(st.integers(start, len(shape) - 1))
    x = numbered(shape)
    merged = int(np.prod(shape[start : end + 1]))
    expected = x.reshape((*shape[:start], merged, *shape[end + 1 :]))
    check(expected, ops.flatten, x, start_axis=start, end_axis=end - len(shape))


def test_flatten_makes_a_scalar_an_array(check):
    check(np.array([3.0]), ops.flatten, np.array(3.0))


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3))
def test_broadcasting(check, shapes):
    x, y = map(numbered, shapes.input_shapes)
    check(np.broadcast_to(x, shapes.result_shape), ops.broadcast_to, x, shape=shapes.result_shape)
    check(np.broadcast_arrays(x, y), ops.broadcast_arrays, x, y)


@given(data=st.data(), shape=SHAPES)
def test_axes_of_size_one(check, data, shape):
    x = numbered(shape)
    count = data.draw(st.integers(1, 2))
    axes = data.draw(st.lists(st.integers(0, len(shape) + count - 1), min_size=count, max_size=count, unique=True))
    wide = np.expand_dims(x, tuple(axes))
    check(wide, ops.expand_dims, x, axis=tuple(axis - wide.ndim for axis in axes))
    check(x, ops.squeeze, wide, axis=tuple(axes))
    check(wide.squeeze(), ops.squeeze, wide)


@given(data=st.data(), shape=NONSCALAR)
def test_order_of_axes(check, data, shape):
    x, rank = numbered(shape), len(shape)
    axes = tuple(data.draw(st.permutations(range(rank))))
    check(x.transpose(axes), ops.permute_dims, x, axes=tuple(axis - rank for axis in axes))
    check(x.T, ops.permute_dims, x)
    first, second = data.draw(st.tuples(st.integers(-rank, rank - 1), st.integers(-rank, rank - 1)))
    check(np.moveaxis(x, first, second), ops.moveaxis, x, source=first, destination=second)
    check(np.moveaxis(x, axes[:2], axes[-2:]), ops.moveaxis, x, source=axes[:2], destination=axes[-2:])
    check(x.swapaxes(first, second), ops.swapaxes, x, axis1=first, axis2=second)
    if rank > 1:
        check(np.swapaxes(x, -1, -2), ops.matrix_transpose, x)


@given(data=st.data(), shape=NONSCALAR)
def test_order_along_axes(check, data, shape):
    x, rank = numbered(shape), len(shape)
    axes = data.draw(st.lists(st.integers(-rank, rank - 1), unique_by=lambda axis: axis % rank))
    check(np.flip(x, tuple(axes)), ops.flip, x, axis=tuple(axes))
    check(np.flip(x), ops.flip, x)
    shifts = tuple(data.draw(st.lists(st.integers(-5, 5), min_size=len(axes), max_size=len(axes))))
    check(np.roll(x, shifts, tuple(axes)), ops.roll, x, shift=shifts, axis=tuple(axes))
    check(np.roll(x, 3), ops.roll, x, shift=3)
    check(np.roll(x, (1, 2), (0, 0)), ops.roll, x, shift=(1, 2), axis=(0, 0))


# ---------------------------------------------------------------------- joining


@given(data=st.data(), shape=NONSCALAR)
def test_joining(check, data, shape):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    arrays = []
    for length in lengths:
        sizes = list(shape)
        sizes[axis] = length
        arrays.append(numbered(tuple(sizes)))
    joined = np.concatenate(arrays, axis)
    check(joined, ops.concat, *arrays, axis=axis)
    check(np.concatenate(arrays, None), ops.concat, *arrays, axis=None)
    check(arrays, ops.split, joined, sections=(*lengths[:-1], -1), axis=axis)
    check(np.stack([arrays[0]] * 3, axis), ops.stack, *[arrays[0]] * 3, axis=axis)
    check(tuple(np.moveaxis(joined, axis, 0)), ops.unstack, joined, axis=axis)
    check([arrays[0]] * 2, ops.split, np.concatenate([arrays[0]] * 2, axis), sections=2, axis=axis)


# ---------------------------------------------------------------------- larger arrays


@given(data=st.data(), shape=SHAPES)
def test_repeating(check, data, shape):
    x = numbered(shape)
    count = data.draw(st.integers(0, 3))
    check(np.repeat(x, count), ops.repeat, x, repeats=count)
    repetitions = tuple(data.draw(st.lists(st.integers(0, 3), max_size=4)))
    check(np.tile(x, repetitions), ops.tile, x, repetitions=repetitions)
    if shape:
        axis = data.draw(st.integers(-len(shape), len(shape) - 1))
        check(np.repeat(x, count, axis), ops.repeat, x, repeats=count, axis=axis)


def test_repeat_each(compute, decomposed):
    x, counts = numbered((2, 3)), np.array([2, 0, 1])
    np.testing.assert_array_equal(compute(ops.repeat_indices, counts), [0, 0, 2])
    np.testing.assert_array_equal(decomposed(ops.repeat_each, x, counts, axis=-1), np.repeat(x, counts, -1))
    np.testing.assert_array_equal(decomposed(ops.repeat_each, x, np.arange(6)), np.repeat(x, np.arange(6)))
    np.testing.assert_array_equal(decomposed(ops.repeat_each, x, np.array([2]), axis=0), np.repeat(x, [2], 0))


def test_repeat_indices_refuses_a_negative_count(compute):
    with pytest.raises(ValueError, match=r"negative number of times(.|\n)*repeats\[1\]"):
        compute(ops.repeat_indices, np.array([1, -2]))


@given(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=4))
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_padding(decomposed, mode, data, shape):
    limit = {"reflect": 1, "symmetric": 2, "wrap": 2}.get(mode, 4)
    pairs = st.tuples(st.integers(0, limit), st.integers(0, limit))
    padding = tuple(data.draw(st.lists(pairs, min_size=len(shape), max_size=len(shape))))
    x = numbered(shape)
    keywords = {"constant_values": 7} if mode == "constant" else {}
    expected = np.pad(x, padding, mode=mode, **keywords)
    np.testing.assert_array_equal(decomposed(ops.pad, x, padding=padding, mode=mode, value=7), expected)


def test_padding_may_be_one_number_or_one_pair(check):
    x = np.arange(6).reshape(2, 3)
    check(np.pad(x, 1, constant_values=-1), ops.pad_constant, x, padding=1, value=-1)
    check(np.pad(x, (0, 2)), ops.pad_constant, x, padding=(0, 2))
    check(np.pad(x, ((0, 2), (1, 0))), ops.pad_constant, x, padding=((0, 2), (1, 0)))


def test_a_bound_call_gives_as_many_results_as_each_shape_has():
    from dovetail_protocols.arrays import provider

    for length in (2, 5, 0):
        assert len(ops.unstack(provider().convert(np.zeros((length, 3))))) == length
    for rank in (1, 3):
        assert len(ops.nonzero(provider().convert(np.ones((2,) * rank)))) == rank
