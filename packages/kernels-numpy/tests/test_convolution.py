"""Convolution and its gradients, against sums written out index by index in float64."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_numpy import windows
from dovetail_protocols import operations as ops

Array = np.ndarray[Any, Any]


def tuple_of(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def pairs_of(padding: Any, sizes: Any, window: Any, strides: Any, dilation: Any) -> list[tuple[int, int]]:
    """TensorFlow's rules for padding, from its documentation."""
    spans = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
    if padding == "valid":
        return [(0, 0)] * len(sizes)
    if padding == "causal":
        return [(spans[0] - 1, 0)]
    if padding == "same":
        totals = [
            max(span - stride, 0) if size % stride == 0 else max(span - size % stride, 0)
            for size, span, stride in zip(sizes, spans, strides, strict=True)
        ]
        return [(total // 2, total - total // 2) for total in totals]
    return list(padding)


def naive(
    x: Array, filters: Array, *, strides: Any = 1, padding: Any = "valid", dilation: Any = 1, groups: int = 1
) -> Array:
    *window, each, count = filters.shape
    rank = len(window)
    strides, dilation = tuple_of(strides, rank), tuple_of(dilation, rank)
    pairs = pairs_of(padding, x.shape[1:-1], window, strides, dilation)
    x = np.pad(x, [(0, 0), *pairs, (0, 0)])
    output = [
        (size - (w - 1) * d - 1) // s + 1
        for size, w, d, s in zip(x.shape[1:-1], window, dilation, strides, strict=True)
    ]
    result = np.zeros((len(x), *output, count))
    for place in product(*map(range, output)):
        for offset in product(*map(range, window)):
            at = tuple(p * s + o * d for p, s, o, d in zip(place, strides, offset, dilation, strict=True))
            seen = x[(slice(None), *at)]
            for o in range(count):
                group = o // (count // groups)
                result[(slice(None), *place, o)] += (
                    seen[:, group * each : (group + 1) * each] @ filters[(*offset, slice(None), o)]
                )
    return result


CASES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((2, 5, 6, 3), (3, 3, 3, 4), {}),
    ((2, 5, 6, 3), (3, 3, 3, 4), {"padding": "same"}),
    ((2, 5, 6, 3), (3, 2, 3, 4), {"padding": "same", "strides": 2}),
    ((2, 6, 7, 3), (3, 2, 3, 5), {"strides": (2, 3)}),
    ((1, 9, 8, 2), (3, 3, 2, 3), {"dilation": (2, 1), "padding": "same"}),
    ((1, 9, 9, 2), (3, 3, 2, 3), {"dilation": 2, "strides": 2, "padding": ((1, 3), (0, 2))}),
    ((2, 4, 4, 3), (1, 1, 3, 4), {}),
    ((2, 5, 5, 3), (1, 1, 3, 4), {"strides": 2}),
    ((2, 3, 3, 2), (2, 2, 2, 3), {"padding": ((3, 2), (2, 3))}),  # padding beyond the window's reach
    ((2, 5, 5, 4), (3, 3, 2, 6), {"groups": 2, "padding": "same"}),
    ((2, 6, 5, 4), (3, 3, 2, 6), {"groups": 2, "strides": 2}),
    ((2, 5, 5, 3), (3, 3, 1, 3), {"groups": 3, "padding": "same"}),
    ((2, 5, 5, 3), (3, 3, 1, 6), {"groups": 3, "strides": 2, "padding": "same"}),
    ((3, 4, 4, 1), (3, 3, 1, 8), {"padding": "same"}),
    ((2, 8, 3), (3, 3, 4), {}),
    ((2, 8, 3), (3, 3, 4), {"padding": "causal", "dilation": 2}),
    ((2, 9, 3), (4, 3, 4), {"strides": 3, "padding": "same"}),
    ((2, 4, 3, 5, 2), (2, 2, 3, 2, 3), {"padding": "same", "strides": (1, 2, 2)}),
    ((0, 4, 4, 2), (3, 3, 2, 3), {}),
]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(params=["one block", "many blocks"])
def _block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "many blocks":
        monkeypatch.setattr(windows, "BLOCK_BYTES", 1)


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize(("x_shape", "filters_shape", "attributes"), CASES)
def test_conv_is_the_sum_over_windows(
    x_shape: Any, filters_shape: Any, attributes: Any, random: np.random.Generator
) -> None:
    x, filters = random.normal(size=x_shape), random.normal(size=filters_shape)
    np.testing.assert_allclose(
        np.asarray(ops.conv(x, filters, **attributes)), naive(x, filters, **attributes), rtol=1e-12, atol=1e-12
    )


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize(("x_shape", "filters_shape", "attributes"), CASES)
def test_conv_gradients_are_the_transposes_of_the_linear_maps(
    x_shape: Any, filters_shape: Any, attributes: Any, random: np.random.Generator
) -> None:
    """⟨cotangent, conv(dx, f)⟩ = ⟨input_gradient(cotangent, f), dx⟩ for every unit vector dx, and likewise for filters:
    the columns of the linear maps come from the naive sum."""
    x, filters = random.normal(size=x_shape), random.normal(size=filters_shape)
    result = naive(x, filters, **attributes)
    cotangent = random.normal(size=result.shape)
    spatial, window = x_shape[1:-1], filters_shape[:-2]
    to_x = np.asarray(ops.conv_input_gradient(cotangent, filters, spatial_shape=spatial, **attributes))
    to_filters = np.asarray(ops.conv_filter_gradient(x, cotangent, window=window, **attributes))
    assert to_x.shape == x_shape
    assert to_filters.shape == filters_shape
    for _ in range(4):
        dx, df = random.normal(size=x_shape), random.normal(size=filters_shape)
        np.testing.assert_allclose((to_x * dx).sum(), (cotangent * naive(dx, filters, **attributes)).sum(), atol=1e-10)
        np.testing.assert_allclose((to_filters * df).sum(), (cotangent * naive(x, df, **attributes)).sum(), atol=1e-10)


def test_conv_takes_arrays_that_are_not_contiguous(random: np.random.Generator) -> None:
    channels_first = random.normal(size=(2, 3, 6, 5))
    x, filters = channels_first.transpose(0, 2, 3, 1)[:, ::-1], random.normal(size=(4, 3, 3, 3)).T
    np.testing.assert_allclose(
        np.asarray(ops.conv(x, filters, padding="same")), naive(x, filters, padding="same"), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_conv_of_narrow_dtypes_sums_in_float32(dtype: str) -> None:
    """1025 ones: float16 and bfloat16 would stop counting before, and 1024 is the nearest that both hold."""
    x, filters = (
        ops.full(shape=(1, 5, 5, 41), fill_value=1, dtype=dtype),
        ops.full(shape=(5, 5, 41, 1), fill_value=1, dtype=dtype),
    )
    result = ops.conv(x, filters)
    assert result.dtype.name == dtype
    assert float(result[0, 0, 0, 0]) == pytest.approx(1025, abs=4)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("size", [2, 3])
def test_conv_transpose_spreads_each_element_over_a_window(
    padding: str, strides: int, size: int, random: np.random.Generator
) -> None:
    x, filters = random.normal(size=(2, 4, 3, 5)), random.normal(size=(size, size, 2, 5))
    full = np.zeros((2, 3 * strides + size, 2 * strides + size, 2))
    for row, column, i, j in product(range(4), range(3), range(size), range(size)):
        full[:, row * strides + i, column * strides + j] += x[:, row, column] @ filters[i, j].T
    result = np.asarray(ops.conv_transpose(x, filters, strides=strides, padding=padding))
    if padding == "same":  # Keras: size · strides, cut from the full result by the padding before
        before = max(size - strides, 0) // 2
        wanted = [4 * strides, 3 * strides]
        full = np.pad(full, [(0, 0), (0, strides), (0, strides), (0, 0)])
        full = full[:, before : before + wanted[0], before : before + wanted[1]]
    elif strides > size:
        full = np.pad(full, [(0, 0), (0, strides - size), (0, strides - size), (0, 0)])
    np.testing.assert_allclose(result, full, rtol=1e-12, atol=1e-12)


def test_conv_transpose_adds_output_padding(random: np.random.Generator) -> None:
    x, filters = random.normal(size=(1, 4, 2)), random.normal(size=(3, 3, 2))
    without = np.asarray(ops.conv_transpose(x, filters, strides=2, output_padding=0))
    padded = np.asarray(ops.conv_transpose(x, filters, strides=2, output_padding=1))
    assert without.shape == (1, 9, 3)
    np.testing.assert_array_equal(padded, np.pad(without, [(0, 0), (0, 1), (0, 0)]))
    assert ops.conv_transpose(x, filters, strides=2, padding="same", output_padding=1).shape == (1, 8, 3)
