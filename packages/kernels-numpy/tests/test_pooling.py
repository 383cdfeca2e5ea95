"""Pooling, against windows cut out one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from dovetail_protocols import operations as ops

Array = np.ndarray[Any, Any]


def windows_of(x: Array, *, window: Any, strides: Any = None, padding: Any = "valid") -> Any:
    """(place in the result, indices of the window's elements that lie in x) for every window, spatial axes only."""
    sizes = x.shape[1:-1]
    rank = len(sizes)
    window = (window,) * rank if isinstance(window, int) else window
    strides = window if strides is None else (strides,) * rank if isinstance(strides, int) else strides
    if padding == "same":
        output = [-(-size // stride) for size, stride in zip(sizes, strides, strict=True)]
        totals = [max((n - 1) * s + w - size, 0) for n, s, w, size in zip(output, strides, window, sizes, strict=True)]
        befores = [total // 2 for total in totals]
    else:
        pairs = [(0, 0)] * rank if padding == "valid" else padding
        befores = [low for low, _ in pairs]
        output = [
            (size + low + high - w) // s + 1
            for size, (low, high), w, s in zip(sizes, pairs, window, strides, strict=True)
        ]
    for place in product(*map(range, output)):
        starts = [p * s - b for p, s, b in zip(place, strides, befores, strict=True)]
        lines = [[i for i in range(a, a + w) if 0 <= i < n] for a, w, n in zip(starts, window, sizes, strict=True)]
        yield place, list(product(*lines)), tuple(output)


def pooled(reduce: Any, x: Array, **attributes: Any) -> Array:
    found = list(windows_of(x, **attributes))
    result = np.empty((len(x), *found[0][2], x.shape[-1]), x.dtype)
    for place, elements, _ in found:
        result[(slice(None), *place)] = reduce(np.stack([x[(slice(None), *at)] for at in elements]))
    return result


CASES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 6, 4, 3), {"window": 2}),
    ((2, 5, 7, 3), {"window": (2, 3)}),
    ((2, 5, 7, 3), {"window": 3, "strides": 2, "padding": "same"}),
    ((2, 5, 6, 2), {"window": 3, "strides": 1, "padding": "same"}),
    ((1, 6, 6, 2), {"window": 3, "strides": (1, 2), "padding": ((1, 2), (0, 1))}),
    ((2, 7, 3), {"window": 3, "strides": 2}),
    ((1, 3, 4, 3, 2), {"window": 2, "strides": 1}),
    ((2, 5, 5, 1), {"window": 2, "strides": 3}),
]


def numbers(shape: tuple[int, ...]) -> Array:
    """Many equal ones, and negative ones, so that ties and zero padding would show."""
    return np.random.default_rng(3).integers(-4, -1, size=shape).astype(np.float64)


@pytest.mark.parametrize(("shape", "attributes"), CASES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "float16"])
def test_max_pool_is_the_greatest_of_each_window(shape: Any, attributes: Any, dtype: str) -> None:
    x = numbers(shape).astype(dtype)
    result = np.asarray(ops.max_pool(x, **attributes))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, pooled(lambda window: window.max(axis=0), x, **attributes))


@pytest.mark.parametrize(("shape", "attributes"), CASES)
def test_max_pool_gradient_goes_to_the_first_of_the_greatest(shape: Any, attributes: Any) -> None:
    x = numbers(shape)
    found = list(windows_of(x, **attributes))
    cotangent = np.random.default_rng(4).normal(size=(len(x), *found[0][2], x.shape[-1]))
    expected, selected = np.zeros_like(x), np.empty_like(cotangent)
    values = np.random.default_rng(5).normal(size=shape)
    for place, elements, _ in found:
        for example, channel in product(range(len(x)), range(x.shape[-1])):
            first = max(elements, key=lambda at: x[(example, *at, channel)])  # max gives the first of equals
            expected[(example, *first, channel)] += cotangent[(example, *place, channel)]
            selected[(example, *place, channel)] = values[(example, *first, channel)]
    result = np.asarray(ops.max_pool_gradient(cotangent, x, **attributes))
    np.testing.assert_allclose(result, expected, rtol=1e-13)
    np.testing.assert_array_equal(np.asarray(ops.max_pool_select(values, x, **attributes)), selected)


def test_max_pool_passes_nan_and_infinite_cotangents_on() -> None:
    x = np.array([1.0, np.nan, 3.0, 2.0]).reshape(1, 4, 1)
    assert np.isnan(np.asarray(ops.max_pool(x, window=2))).reshape(-1).tolist() == [True, False]
    cotangent = np.array([[[np.inf], [np.inf]]])
    gradient = np.asarray(ops.max_pool_gradient(cotangent, x, window=2)).reshape(-1)
    np.testing.assert_array_equal(gradient, [np.inf, 0.0, np.inf, 0.0])


@pytest.mark.parametrize(("shape", "attributes"), CASES)
def test_average_pool_leaves_padding_out(shape: Any, attributes: Any) -> None:
    x = numbers(shape)
    expected = pooled(lambda window: window.mean(axis=0), x, **attributes)
    np.testing.assert_allclose(np.asarray(ops.average_pool(x, **attributes)), expected, rtol=1e-13)


@pytest.mark.parametrize("count_padding", [False, True])
@pytest.mark.parametrize(("shape", "attributes"), CASES)
def test_average_pool_gradient_is_the_transpose(shape: Any, attributes: Any, count_padding: bool) -> None:
    random = np.random.default_rng(6)
    x = random.normal(size=shape)
    result = np.asarray(ops.average_pool(x, count_padding=count_padding, **attributes))
    cotangent = random.normal(size=result.shape)
    back = np.asarray(
        ops.average_pool_gradient(cotangent, spatial_shape=shape[1:-1], count_padding=count_padding, **attributes)
    )
    assert back.shape == shape
    assert (back * x).sum() == pytest.approx((cotangent * result).sum(), rel=1e-10)


def test_average_pool_counts_padding_when_asked() -> None:
    x = np.ones((1, 3, 1))
    result = np.asarray(ops.average_pool(x, window=2, strides=2, padding=((1, 0),), count_padding=True))
    np.testing.assert_allclose(result.reshape(-1), [0.5, 1.0])
