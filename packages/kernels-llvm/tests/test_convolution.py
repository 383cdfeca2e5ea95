"""Convolutions and their gradients, against plain loops over windows in double precision."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import VARIABLE, isa
from dovetail_kernels_llvm.kernels.convolution import (
    Convolution,
    FilterGradient,
    InputGradient,
    convolution_filter_gradient_launches,
    convolution_input_gradient_launches,
    convolution_launches,
    plain,
)
from dovetail_protocols.operations.windows import WindowGrid, window_grid

from .window_oracle import (
    COMPUTED,
    EPSILON,
    LAYOUTS,
    Array,
    Buffers,
    conv,
    drawn,
    filter_gradient,
    input_gradient,
)

CHANNELS = st.sampled_from([1, 2, 3, 5, 8, 15, 16, 17, 24])
DTYPES = ("float32", "float64", "float16", "bfloat16")


class Case:
    """A convolution's arrays, in guarded buffers, and what kernels give for them."""

    def __init__(
        self,
        shape: tuple[int, ...],
        window: tuple[int, ...],
        columns: int,
        *,
        groups: int = 1,
        dtype: str = "float32",
        layouts: tuple[str, str, str] = ("c", "c", "c"),
        **attributes: Any,
    ) -> None:
        random = np.random.default_rng(7)
        self.shape, self.groups, self.dtype = shape, groups, dtype
        self.grid: WindowGrid = window_grid(
            "conv",
            shape[1:-1],
            window=window,
            strides=attributes.get("strides", 1),
            padding=attributes.get("padding", "valid"),
            dilation=attributes.get("dilation", 1),
        )
        self.buffers = Buffers()
        filters = (*window, shape[-1] // groups, columns)
        result = (shape[0], *self.grid.output, columns)
        self.x = self.buffers.add(drawn(random, shape, dtype), dtype, layouts[0])
        self.filters = self.buffers.add(
            drawn(random, filters, dtype), dtype, layouts[1] if layouts[1] != "channels first" else "c"
        )
        self.cotangent = self.buffers.add(drawn(random, result, dtype), dtype, layouts[2])
        self.layout = layouts[2]

    def forward(self, *, backwards: bool = False) -> Array:
        result = self.buffers.empty(self.dtype, self.cotangent.shape, self.layout)
        description = Convolution(self.x, self.filters, self.grid, plain(result), self.groups)
        self.buffers.run(convolution_launches(isa(), description, self.buffers.empty), backwards=backwards)
        return self.buffers.number(result)

    def input_gradient(self, *, backwards: bool = False) -> Array:
        result = self.buffers.empty(self.dtype, self.shape, self.layout)
        description = InputGradient(
            self.cotangent, self.filters, self.grid, self.shape[1:-1], plain(result), self.groups
        )
        launches = convolution_input_gradient_launches(isa(), description, self.buffers.empty)
        self.buffers.run(launches, backwards=backwards)
        return self.buffers.number(result)

    def filter_gradient(self, *, backwards: bool = False) -> Array:
        result = self.buffers.empty(self.dtype, self.filters.shape)
        description = FilterGradient(self.x, self.cotangent, self.grid, result, self.groups)
        launches = convolution_filter_gradient_launches(isa(), description, self.buffers.empty)
        self.buffers.run(launches, backwards=backwards)
        return self.buffers.number(result)

    def check(self, *names: str) -> None:
        """Compares kernels with loops. A sum of n products, in any order, is off by n units of roundoff of the sum of
        the products' sizes; then it is rounded to the dtype."""
        x, filters, cotangent = (self.buffers.number(one) for one in (self.x, self.filters, self.cotangent))
        last = (self.grid, self.groups)
        sizes = self.shape[1:-1]
        oracles = {
            "forward": lambda size: conv(size(x), size(filters), *last),
            "input_gradient": lambda size: input_gradient(
                size(cotangent), size(filters), self.grid, sizes, self.groups
            ),
            "filter_gradient": lambda size: filter_gradient(size(x), size(cotangent), *last),
        }
        terms = max(int(np.prod(filters.shape)), cotangent[..., :1].size)
        for name in names or oracles:
            expected, most = oracles[name](np.asarray), oracles[name](np.abs)
            bound = (min(terms, 4096) + 2) * COMPUTED[self.dtype] * most + EPSILON[self.dtype] * np.abs(expected) + 1e-7
            off = np.abs(getattr(self, name)() - expected)
            assert (off <= bound).all(), (name, float(off.max()), np.argwhere(~(off <= bound))[:3])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Small convolutions of one to three spatial axes, with all that may be said about them."""
    rank = draw(st.integers(1, 3))
    most = {1: 14, 2: 9, 3: 5}[rank]
    window = tuple(draw(st.integers(1, {1: 5, 2: 4, 3: 2}[rank])) for _ in range(rank))
    dilation = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    strides = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    padding: Any = draw(st.sampled_from(["valid", "same", "pairs"] + ["causal"] * (rank == 1)))
    if padding == "pairs":
        padding = tuple((draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in range(rank))
    least = [(one - 1) * step + 1 if padding == "valid" else 1 for one, step in zip(window, dilation, strict=True)]
    if isinstance(padding, tuple):
        least = [
            max((one - 1) * step + 1 - sum(pair), 1) for one, step, pair in zip(window, dilation, padding, strict=True)
        ]
    sizes = tuple(draw(st.integers(low, max(low, most))) for low in least)
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    channels = draw(CHANNELS) * groups
    columns = draw(CHANNELS) * groups
    if draw(st.integers(0, 4)) == 0:
        groups = columns = channels
    batch = draw(st.sampled_from([0, 1, 2, 3, 9]))
    return Case(
        (batch, *sizes, channels),
        window,
        columns,
        groups=groups,
        dtype=draw(st.sampled_from(DTYPES)),
        layouts=(draw(st.sampled_from(LAYOUTS)), draw(st.sampled_from(LAYOUTS)), draw(st.sampled_from(LAYOUTS))),
        strides=strides,
        padding=padding,
        dilation=dilation,
    )


@seed(1)
@settings(max_examples=12, deadline=None, database=None)
@given(case=cases())
def test_convolutions_are_sums_over_windows(case: Case) -> None:
    case.check("forward")


@seed(2)
@settings(max_examples=8, deadline=None, database=None)
@given(case=cases())
def test_input_gradients_spread_cotangents_over_windows(case: Case) -> None:
    case.check("input_gradient")


@seed(3)
@settings(max_examples=12, deadline=None, database=None)
@given(case=cases())
def test_filter_gradients_sum_over_all_windows(case: Case) -> None:
    case.check("filter_gradient")


NAMED: dict[str, dict[str, Any]] = {
    "one channel": {"shape": (3, 9, 8, 1), "window": (3, 3), "columns": 32, "padding": "same"},
    "one pixel": {"shape": (5, 1, 1, 20), "window": (3, 3), "columns": 18, "padding": "same"},
    "a column left over": {"shape": (2, 3, 3, 4), "window": (2, 2), "columns": 17, "dtype": "bfloat16"},
    "one tap": {"shape": (2, 6, 6, 16), "window": (1, 1), "columns": 32},
    "one tap, strides": {"shape": (2, 7, 6, 16), "window": (1, 1), "columns": 32, "strides": 2},
    "few images in a tile": {"shape": (9, 4, 4, 32), "window": (3, 3), "columns": 48, "padding": "same"},
    "filters in parts": {"shape": (7, 3, 3, 256), "window": (3, 3), "columns": 64, "padding": "same"},
    "blocks": {"shape": (1, 26, 44, 72), "window": (3, 1), "columns": 16, "padding": "same"},
    "depthwise": {"shape": (2, 8, 7, 40), "window": (3, 3), "columns": 40, "groups": 40, "padding": "same"},
    "depthwise, whole vectors": {
        "shape": (2, 7, 8, 48),
        "window": (3, 3),
        "columns": 48,
        "groups": 48,
        "padding": "same",
        "strides": 2,
    },
    "depthwise, several": {"shape": (2, 8, 7, 6), "window": (3, 3), "columns": 18, "groups": 6, "padding": "same"},
    "few columns": {"shape": (2, 9, 9, 40), "window": (3, 3), "columns": 2, "padding": "same"},
    "patches": {"shape": (2, 12, 12, 3), "window": (4, 4), "columns": 24, "strides": 4},
    "wide padding": {"shape": (2, 5, 5, 4), "window": (3, 3), "columns": 5, "padding": ((5, 4), (0, 6)), "strides": 2},
    "strides beyond the window": {"shape": (2, 11, 9, 4), "window": (2, 2), "columns": 5, "strides": (3, 4)},
}


@pytest.mark.parametrize("name", NAMED)
def test_all_three_agree_with_loops(name: str) -> None:
    arguments = dict(NAMED[name])
    Case(arguments.pop("shape"), arguments.pop("window"), arguments.pop("columns"), **arguments).check()


@pytest.mark.parametrize("name", ["few images in a tile", "patches", "depthwise, several"])
def test_gradients_are_adjoint_to_the_convolution(name: str) -> None:
    arguments = dict(NAMED[name], dtype="float64")
    case = Case(arguments.pop("shape"), arguments.pop("window"), arguments.pop("columns"), **arguments)
    x, filters, cotangent = (case.buffers.number(one) for one in (case.x, case.filters, case.cotangent))
    forward = (case.forward() * cotangent).sum()
    # Sums of some thousand products of normal numbers: their roundoff is some 1e-13 of this.
    assert (x * case.input_gradient()).sum() == pytest.approx(forward, rel=1e-10)
    assert (filters * case.filter_gradient()).sum() == pytest.approx(forward, rel=1e-10)


def test_results_do_not_depend_on_the_order_of_tasks() -> None:
    case = Case((16, 24, 24, 32), (3, 3), 32, padding="same")
    for name in ("forward", "input_gradient", "filter_gradient"):
        compute = getattr(case, name)
        np.testing.assert_array_equal(compute(), compute(backwards=True))


def test_nan_reaches_the_windows_that_hold_it_and_no_other() -> None:
    case = Case((2, 6, 6, 16), (3, 3), 16, padding="same")
    array = case.buffers.arrays[case.x.buffer]
    array[1, 0, 5, 3] = np.nan
    case.buffers.given[case.x.buffer] = array.copy()
    result = np.isnan(case.forward())
    expected = np.zeros_like(result)
    expected[1, :2, 4:] = True
    np.testing.assert_array_equal(result, expected)


@pytest.mark.skipif(VARIABLE in os.environ, reason="another set was asked for")
@pytest.mark.parametrize("name", ["avx2", "sse2"])
def test_lesser_instruction_sets_agree(name: str) -> None:
    files = [str(Path(__file__).with_name(f"test_{file}.py")) for file in ("convolution", "pooling")]
    options = ["-q", "-x", "-p", "no:cacheprovider", "-k", "not adjoint and not order and not infinity and not large"]
    command = [sys.executable, "-m", "pytest", *options, *files]
    done = subprocess.run(command, env={**os.environ, VARIABLE: name}, capture_output=True, text=True, check=False)
    if "no such instruction set" in done.stdout:
        pytest.skip(f"no {name} here")
    assert done.returncode == 0, done.stdout[-3000:]
