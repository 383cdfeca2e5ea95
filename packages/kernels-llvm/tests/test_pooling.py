"""Pools and their transposes, against windows taken one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.kernel import View
from dovetail_kernels_llvm.kernels.pooling import (
    AveragePool,
    AveragePoolGradient,
    MaxPool,
    MaxPoolGradient,
    MaxPoolSelect,
    average_pool_gradient_launches,
    average_pool_launches,
    max_pool_gradient_launches,
    max_pool_launches,
    max_pool_select_launches,
)
from dovetail_protocols.operations.pooling import pool_grid

from .window_oracle import COMPUTED, EPSILON, LAYOUTS, Array, Buffers, drawn, elements

FLOATS = ("float32", "float64", "float16", "bfloat16")
WHOLE = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


class Case:
    """An image with many ties, and what is pooled from it."""

    def __init__(self, shape: tuple[int, ...], dtype: str, layout: str = "c", **attributes: Any) -> None:
        self.random = np.random.default_rng(8)
        strides, padding = attributes.get("strides"), attributes.get("padding", "valid")
        self.grid = pool_grid("max_pool", shape[1:-1], attributes["window"], strides, padding)
        self.shape, self.dtype, self.layout = shape, dtype, layout
        self.pooled = (shape[0], *self.grid.output, shape[-1])
        self.buffers = Buffers()
        ties = self.random.integers(-3 if dtype[0] in "fbi" else 0, 4, shape).astype(np.float32)
        stored = (ties.view(np.uint32) >> 16).astype(np.uint16) if dtype == "bfloat16" else ties.astype(dtype)
        self.x = self.buffers.add(stored, dtype, layout)
        self.windows = elements(self.grid, shape[1:-1])

    def add(self, shape: tuple[int, ...]) -> View:
        """Normal numbers."""
        return self.buffers.add(drawn(self.random, shape, self.dtype), self.dtype, self.layout)

    def greatest(self) -> Array:
        result = self.buffers.empty(self.dtype, self.pooled, self.layout)
        self.buffers.run(max_pool_launches(isa(), MaxPool(self.x, self.grid, result)))
        return self.buffers.number(result)

    def given_back(self, cotangent: View) -> Array:
        result = self.buffers.empty(self.dtype, self.shape, self.layout)
        description = MaxPoolGradient(cotangent, self.x, self.grid, result)
        self.buffers.run(max_pool_gradient_launches(isa(), description))
        return self.buffers.number(result)

    def selected(self, values: View) -> Array:
        result = self.buffers.empty(self.dtype, self.pooled, self.layout)
        self.buffers.run(max_pool_select_launches(isa(), MaxPoolSelect(values, self.x, self.grid, result)))
        return self.buffers.number(result)

    def mean(self, x: View, count_padding: bool) -> Array:
        result = self.buffers.empty(self.dtype, self.pooled, self.layout)
        self.buffers.run(average_pool_launches(isa(), AveragePool(x, self.grid, result, count_padding)))
        return self.buffers.number(result)

    def shared_out(self, cotangent: View, count_padding: bool) -> Array:
        result = self.buffers.empty(self.dtype, self.shape, self.layout)
        description = AveragePoolGradient(cotangent, self.grid, result, count_padding)
        self.buffers.run(average_pool_gradient_launches(isa(), description))
        return self.buffers.number(result)

    def first(self) -> dict[tuple[int, ...], tuple[int, ...]]:
        """(image, window, channel) → (image, element, channel) of its greatest, the first of equals."""
        x = self.buffers.number(self.x)
        found = {}
        for (window, inside), image, channel in product(
            self.windows.items(), range(self.shape[0]), range(self.shape[-1])
        ):
            best = max(inside, key=lambda at: x[(image, *at, channel)])  # max gives the first of equals
            found[(image, *window, channel)] = (image, *best, channel)
        return found

    def check_greatest(self) -> None:
        x = self.buffers.number(self.x)
        expected = np.zeros(self.pooled)
        for window, inside in self.windows.items():
            expected[(slice(None), *window)] = np.stack([x[(slice(None), *at)] for at in inside]).max(axis=0)
        np.testing.assert_array_equal(self.greatest(), expected)

    def check_choice(self) -> None:
        cotangent, values = self.add(self.pooled), self.add(self.shape)
        expected, selected = np.zeros(self.shape), np.zeros(self.pooled)
        for window, element in self.first().items():
            expected[element] += self.buffers.number(cotangent)[window]
            selected[window] = self.buffers.number(values)[element]
        np.testing.assert_array_equal(self.selected(values), selected)
        self.close(self.given_back(cotangent), expected)

    def check_mean(self, count_padding: bool) -> None:
        values, cotangent = self.add(self.shape), self.add(self.pooled)
        x, given_ = self.buffers.number(values), self.buffers.number(cotangent)
        mean, shared = np.zeros(self.pooled), np.zeros(self.shape)
        for window, inside in self.windows.items():
            count = np.prod(self.grid.window) if count_padding else len(inside)
            for at in inside:
                mean[(slice(None), *window)] += x[(slice(None), *at)] / count
                shared[(slice(None), *at)] += given_[(slice(None), *window)] / count
        self.close(self.mean(values, count_padding), mean)
        self.close(self.shared_out(cotangent, count_padding), shared)

    def close(self, result: Array, expected: Array) -> None:
        """Sums of up to some hundred numbers of size 1 to 4, rounded once to the dtype."""
        spacing = EPSILON[self.dtype]
        np.testing.assert_allclose(result, expected, rtol=spacing, atol=512 * COMPUTED[self.dtype] + spacing / 16)


@st.composite
def cases(draw: st.DrawFn, dtypes: tuple[str, ...] = FLOATS) -> Case:
    """Small pools over one to three spatial axes."""
    rank = draw(st.integers(1, 3))
    window = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    padding: Any = draw(st.sampled_from(["valid", "same", "pairs"]))
    if padding == "pairs":
        padding = tuple((draw(st.integers(0, one - 1)), draw(st.integers(0, one - 1))) for one in window)
    sizes = tuple(draw(st.integers(one, 8 if rank < 3 else max(one, 4))) for one in window)
    channels = draw(st.sampled_from([1, 3, 7, 8, 15, 16, 17, 33, 70]))
    return Case(
        (draw(st.sampled_from([0, 1, 2])), *sizes, channels),
        draw(st.sampled_from(dtypes)),
        draw(st.sampled_from(LAYOUTS)),
        window=window,
        strides=draw(st.none() | st.tuples(*(st.integers(1, 3) for _ in window))),
        padding=padding,
    )


@seed(1)
@settings(max_examples=15, deadline=None, database=None)
@given(case=cases(dtypes=FLOATS + WHOLE))
def test_max_pool_is_the_greatest_of_each_window(case: Case) -> None:
    case.check_greatest()


@seed(2)
@settings(max_examples=12, deadline=None, database=None)
@given(case=cases())
def test_the_first_of_equals_takes_the_cotangent(case: Case) -> None:
    case.check_choice()


@seed(3)
@settings(max_examples=10, deadline=None, database=None)
@given(case=cases(), count_padding=st.booleans())
def test_means_leave_padding_out_unless_it_is_counted(case: Case, count_padding: bool) -> None:
    case.check_mean(count_padding)


@pytest.mark.parametrize("padding", ["same", ((0, 2), (1, 1))], ids=["one window", "one row of windows"])
def test_windows_may_reach_over_the_border_in_the_same_way(padding: Any) -> None:
    case = Case((2, 2, 5 if padding != "same" else 3, 5), "float32", window=(3, 3), strides=(4, 3), padding=padding)
    case.check_greatest()
    case.check_choice()
    case.check_mean(False)


@pytest.mark.parametrize("window", [2, 3, 4], ids=["rows of windows", "overlapping", "in all channels"])
def test_large_images_are_cut_into_tasks(window: int) -> None:
    strides = {2: 2, 3: 2, 4: 4}[window]
    case = Case((3, 16, 24, 144), "float32", window=window, strides=strides, padding="same" if window == 3 else "valid")
    case.check_greatest()
    cotangent = case.add(case.pooled)
    description = MaxPoolGradient(cotangent, case.x, case.grid, case.buffers.empty("float32", case.shape))
    launches = max_pool_gradient_launches(isa(), description)
    assert launches[0].tasks > 1
    case.buffers.run(launches)
    forwards = case.buffers.number(description.result).copy()
    case.buffers.run(launches, backwards=True)
    np.testing.assert_array_equal(case.buffers.number(description.result), forwards)
    total = case.buffers.number(cotangent).sum()
    assert forwards.sum() == pytest.approx(total, abs=1e-2)  # each cotangent went somewhere; 4000 float32 sums


def test_nan_is_the_greatest_and_ends_the_search() -> None:
    case = Case((1, 9, 1), "float64", window=3)
    array = case.buffers.arrays[case.x.buffer]
    array[0, :, 0] = [1, np.nan, 5, np.nan, 2, 3, 4, 4, -np.inf]
    case.buffers.given[case.x.buffer] = array.copy()
    np.testing.assert_array_equal(case.greatest()[0, :, 0], [np.nan, np.nan, 4])
    cotangent = case.buffers.add(np.array([1.0, np.inf, 3.0]).reshape(1, 3, 1))
    np.testing.assert_array_equal(case.given_back(cotangent)[0, :, 0], [1, 0, 0, np.inf, 0, 0, 3, 0, 0])


def test_minus_infinity_is_greater_than_padding() -> None:
    case = Case((1, 2, 1), "float32", window=2, strides=2, padding=((1, 1),))
    array = case.buffers.arrays[case.x.buffer]
    array[...] = -np.inf
    case.buffers.given[case.x.buffer] = array.copy()
    np.testing.assert_array_equal(case.greatest()[0, :, 0], [-np.inf, -np.inf])
    cotangent = case.buffers.add(np.float32([[[2.0], [3.0]]]))
    np.testing.assert_array_equal(case.given_back(cotangent)[0, :, 0], [2, 3])
