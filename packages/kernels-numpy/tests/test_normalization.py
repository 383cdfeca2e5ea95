"""Normalizations against their formulas, and the fused kernels against their decompositions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider

Array = np.ndarray[Any, Any]
AXES = [-1, 1, 0, (1, 2), (2, 0), (0, 1, 2, 3)]
SHAPE = (3, 2, 4, 5)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(13)


def named(axis: Any) -> tuple[int, ...]:
    return tuple(sorted(place % 4 for place in ((axis,) if isinstance(axis, int) else axis)))


def lined(axis: Any) -> tuple[int, ...]:
    """The shape in which a parameter broadcasts against x."""
    return tuple(size if place in named(axis) else 1 for place, size in enumerate(SHAPE))


def parameters(axis: Any, random: np.random.Generator, count: int) -> list[Array]:
    return [random.random(tuple(SHAPE[place] for place in named(axis))) + 0.5 for _ in range(count)]


def standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_layer_normalization(axis: Any, random: np.random.Generator) -> None:
    x, (scale, offset) = random.normal(size=SHAPE) + 3, parameters(axis, random, 2)
    standard = standardized(x, named(axis), 1e-2)
    for result, expected in [
        (ops.layer_normalization(x, axis=axis, epsilon=1e-2), standard),
        (ops.layer_normalization(x, scale, axis=axis, epsilon=1e-2), standard * scale.reshape(lined(axis))),
        (
            ops.layer_normalization(x, scale, offset, axis=axis, epsilon=1e-2),
            standard * scale.reshape(lined(axis)) + offset.reshape(lined(axis)),
        ),
    ]:
        np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_rms_normalization(axis: Any, random: np.random.Generator) -> None:
    x, (scale,) = random.normal(size=SHAPE) + 3, parameters(axis, random, 1)
    expected = x / np.sqrt((x**2).mean(named(axis), keepdims=True) + 1e-2) * scale.reshape(lined(axis))
    np.testing.assert_allclose(
        np.asarray(ops.rms_normalization(x, scale, axis=axis, epsilon=1e-2)), expected, rtol=1e-12
    )


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_batch_normalization_in_training_and_inference(axis: Any, random: np.random.Generator) -> None:
    x, (scale, offset) = random.normal(size=SHAPE) + 3, parameters(axis, random, 2)
    over = tuple(place for place in range(4) if place not in named(axis))
    result, mean, variance = ops.batch_normalization_training(x, scale, offset, axis=axis)
    expected = standardized(x, over, 1e-3) * scale.reshape(lined(axis)) + offset.reshape(lined(axis))
    np.testing.assert_allclose(np.asarray(mean), x.mean(over), rtol=1e-12)
    np.testing.assert_allclose(np.asarray(variance), x.var(over), rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-10, atol=1e-12)
    again = ops.batch_normalization(x, mean, variance, scale, offset, axis=axis)
    np.testing.assert_allclose(np.asarray(again), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("axis", [-1, 1])
def test_group_normalization(axis: int, random: np.random.Generator) -> None:
    x = random.normal(size=(3, 4, 5, 6)) + 3
    channels = x.shape[axis]
    scale, offset = random.random(channels), random.random(channels)
    moved = np.moveaxis(x, axis, -1)
    expected = np.empty_like(moved)
    for start in (0, channels // 2):
        part = slice(start, start + channels // 2)
        expected[..., part] = standardized(moved[..., part], (1, 2, 3), 1e-3)
    expected = np.moveaxis(expected * scale + offset, -1, axis)
    result = ops.group_normalization(x, scale, offset, groups=2, axis=axis)
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-11, atol=1e-12)


def test_large_means_do_not_swallow_the_variance() -> None:
    """1000 ± 1 in float32: E[x²] - E[x]² would lose all but a digit of the variance 1."""
    x = np.tile(np.array([999.0, 1001.0], np.float32), 5000).reshape(-1, 1)
    _, mean, variance = ops.batch_normalization_training(x)
    np.testing.assert_allclose(np.asarray(mean), [1000], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(variance), [1], rtol=1e-5)


def test_statistics_of_narrow_dtypes_are_float32(random: np.random.Generator) -> None:
    x = ops.cast(provider().convert(random.normal(size=(300, 2)) + 3), dtype="bfloat16")
    scale = np.ones(2, np.float32)
    result, mean, variance = ops.batch_normalization_training(x, scale)
    assert (result.dtype.name, mean.dtype.name, variance.dtype.name) == ("bfloat16", "float32", "float32")
    exact = np.asarray(ops.cast(x, dtype="float64"))
    np.testing.assert_allclose(np.asarray(mean), exact.mean(0), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(variance), exact.var(0), rtol=1e-5)


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("has_scale", [True, False])
def test_gradient_kernels_agree_with_decompositions(axis: Any, has_scale: bool, random: np.random.Generator) -> None:
    cotangent, x = random.normal(size=SHAPE), random.normal(size=SHAPE) + 3
    of_mean, of_variance, scale = parameters(axis, random, 3)
    given = scale if has_scale else None
    for operation, operands in [
        (ops.layer_normalization_gradient, (cotangent, x, given)),
        (ops.batch_normalization_gradient, (cotangent, of_mean, of_variance, x, given)),
    ]:
        arrays = [None if operand is None else provider().convert(operand) for operand in operands]
        for fused, decomposed in zip(
            operation(*arrays, axis=axis), operation.decompose(*arrays, axis=axis, epsilon=1e-3), strict=True
        ):
            np.testing.assert_allclose(np.asarray(fused), np.asarray(decomposed), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_forward_kernels_agree_with_decompositions(axis: Any, random: np.random.Generator) -> None:
    x, (scale, offset, variance) = random.normal(size=SHAPE), parameters(axis, random, 3)
    for operation, operands in [
        (ops.layer_normalization, (x, scale, offset)),
        (ops.batch_normalization_training, (x, scale, offset)),
        (ops.batch_normalization, (x, offset, variance, None, None)),
        (ops.rms_normalization, (x, None)),
    ]:
        arrays = [None if operand is None else provider().convert(operand) for operand in operands]
        fused, decomposed = (
            operation(*arrays, axis=axis),
            operation.decompose(*arrays, axis=axis, epsilon=operation._defaults["epsilon"]),
        )
        for one, other in zip(*(r if isinstance(r, tuple) else (r,) for r in (fused, decomposed)), strict=True):
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-9, atol=1e-12)
