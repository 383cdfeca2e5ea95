"""Derivatives and batches of convolutions, pools and embeddings."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad, vmap
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider

BATCH = 3


def some(*shape: int, seed: int = 0) -> Any:
    """Numbers that are at least 0.003 apart, so that differences don't cross from one maximum to another."""
    size = int(np.prod(shape))
    values = np.random.default_rng(seed).permutation(np.linspace(-1.5, 1.7, max(size, 2))[:size])
    return provider().convert(values.reshape(shape))


CONVOLUTIONS = [
    {"padding": "same"},
    {"strides": 2, "padding": "same"},
    {"strides": (1, 2), "dilation": (2, 1)},
    {"groups": 2, "padding": ((1, 0), (2, 1))},
]


def filters_for(attributes: dict[str, Any], *batch: int) -> Any:
    return some(*batch, 2, 2, 2 // attributes.get("groups", 1), 2, seed=1)


@pytest.mark.parametrize("attributes", CONVOLUTIONS, ids=str)
def test_conv_agrees_with_differences_in_second_order(attributes):
    check_gradients(partial(ops.conv, **attributes), some(2, 4, 3, 2), filters_for(attributes), order=2)


@pytest.mark.parametrize("attributes", CONVOLUTIONS, ids=str)
def test_gradients_of_conv_agree_with_differences(attributes):
    x, filters = some(1, 4, 3, 2), filters_for(attributes)
    cotangent = some(*ops.conv(x, filters, **attributes).shape, seed=2)
    check_gradients(partial(ops.conv_input_gradient, spatial_shape=(4, 3), **attributes), cotangent, filters, order=2)
    check_gradients(partial(ops.conv_filter_gradient, window=(2, 2), **attributes), x, cotangent, order=2)


def test_conv_transpose_agrees_with_differences():
    check_gradients(partial(ops.conv_transpose, strides=2, padding="same"), some(2, 3, 2), some(3, 4, 2, seed=1))


POOLS = [{"window": 2}, {"window": 3, "strides": 2, "padding": "same"}, {"window": (2, 3), "strides": 1}]


@pytest.mark.parametrize("attributes", POOLS, ids=str)
@pytest.mark.parametrize("operation", [ops.max_pool, ops.average_pool], ids=lambda op: op.short_name)
def test_pools_agree_with_differences(operation, attributes):
    check_gradients(partial(operation, **attributes), some(2, 5, 4, 2))


@pytest.mark.parametrize("attributes", POOLS, ids=str)
def test_gradients_of_pools_agree_with_differences(attributes):
    x = some(1, 5, 4, 2)
    cotangent = some(*ops.max_pool(x, **attributes).shape, seed=1)
    check_gradients(lambda cotangent: ops.max_pool_gradient(cotangent, x, **attributes), cotangent)
    check_gradients(lambda values: ops.max_pool_select(values, x, **attributes), some(1, 5, 4, 2, seed=2))
    check_gradients(partial(ops.average_pool_gradient, spatial_shape=(5, 4), **attributes), cotangent)


def test_a_pool_of_a_square_agrees_with_differences_in_second_order():
    check_gradients(lambda x: ops.max_pool(x * x * x, window=2), some(1, 4, 4, 1), order=2)


def test_embedding_agrees_with_differences():
    indices = provider().convert([[0, 2, 2], [-1, 0, 2]])
    check_gradients(lambda table: ops.embedding(table, indices) ** 2, some(4, 3), order=2)


def test_the_gradient_of_embedding_sums_over_equal_indices():
    indices = provider().convert([1, 3, 1, -1])
    gradient = grad(lambda table: ops.sum(ops.embedding(table, indices)))(some(4, 2))
    np.testing.assert_array_equal(gradient.numpy(), [[0, 0], [2, 2], [0, 0], [2, 2]])


# ---------------------------------------------------------------------- vmap


def assert_like_a_loop(function: Any, in_axes: tuple[int | None, ...], *arrays: Any) -> None:
    """The oracle: one example after the other, taken apart and put together by NumPy."""
    parts = [[a.numpy()] * BATCH if axis is None else a.numpy() for a, axis in zip(arrays, in_axes, strict=True)]
    expected = np.stack([function(*map(provider().convert, example)).numpy() for example in zip(*parts, strict=True)])
    np.testing.assert_allclose(vmap(function, in_axes)(*arrays).numpy(), expected, rtol=1e-12, atol=1e-12)


def shape_of(array: Any, axis: int | None) -> tuple[int, ...]:
    return array.shape if axis is None else array.shape[1:]


@pytest.mark.parametrize("in_axes", [(0, None), (None, 0), (0, 0)], ids=str)
@pytest.mark.parametrize("attributes", CONVOLUTIONS, ids=str)
def test_vmap_of_convolutions(attributes, in_axes):
    x_batch, filters_batch = ((BATCH,) if axis == 0 else () for axis in in_axes)
    x, filters = some(*x_batch, 2, 5, 4, 2), filters_for(attributes, *filters_batch)
    assert_like_a_loop(partial(ops.conv, **attributes), in_axes, x, filters)
    example = [array[0] if axis == 0 else array for array, axis in zip((x, filters), in_axes, strict=True)]
    output = ops.conv(*example, **attributes).shape
    for_filters = some(*x_batch, *output, seed=3)
    assert_like_a_loop(
        partial(ops.conv_input_gradient, spatial_shape=(5, 4), **attributes), in_axes, for_filters, filters
    )
    for_x = some(*filters_batch, *output, seed=4)
    assert_like_a_loop(partial(ops.conv_filter_gradient, window=(2, 2), **attributes), in_axes, x, for_x)


@pytest.mark.parametrize("in_axes", [(0, None), (None, 0), (0, 0)], ids=str)
@pytest.mark.parametrize("attributes", POOLS, ids=str)
def test_vmap_of_pools(attributes, in_axes):
    first, second = ((BATCH,) if axis == 0 else () for axis in in_axes)
    output = ops.max_pool(some(2, 5, 4, 2), **attributes).shape
    cotangent, x = some(*first, *output), some(*second, 2, 5, 4, 2, seed=1)
    assert_like_a_loop(partial(ops.max_pool_gradient, **attributes), in_axes, cotangent, x)
    values = some(*first, 2, 5, 4, 2, seed=2)
    assert_like_a_loop(partial(ops.max_pool_select, **attributes), in_axes, values, x)
    if second:
        assert_like_a_loop(partial(ops.max_pool, **attributes), (0,), x)
        assert_like_a_loop(partial(ops.average_pool, **attributes), (0,), x)
    if first:
        assert_like_a_loop(partial(ops.average_pool_gradient, spatial_shape=(5, 4), **attributes), (0,), cotangent)


@pytest.mark.parametrize("in_axes", [(0, None), (None, 0), (0, 0)], ids=str)
def test_vmap_of_embedding_and_its_gradient(in_axes):
    first, second = ((BATCH,) if axis == 0 else () for axis in in_axes)
    indices = provider().convert(np.random.default_rng(5).integers(-4, 4, (*second, 2, 3)))
    assert_like_a_loop(ops.embedding, in_axes, some(*first, 4, 2), indices)
    cotangent = some(*first, 2, 3, 2, seed=1)
    assert_like_a_loop(partial(ops.embedding_gradient, size=4), in_axes, cotangent, indices)
