from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.codegen.types import size_bytes
from dovetail_kernels_llvm.kernels.attention import (
    Attention,
    AttentionGradient,
    attention_gradient_launches,
    attention_launches,
    statistics_dtype,
)
from dovetail_kernels_llvm.kernels.kernel import Launch, View
from dovetail_kernels_llvm.runtime.engine import compile_kernels
from dovetail_kernels_llvm.runtime.plain import FUNCTION

Array = np.ndarray[Any, Any]

GAP = 40
"""Elements before and after each array that nothing may write, and that must not reach a result."""

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}

LENGTHS = st.sampled_from([1, 2, 5, 7, 8, 9, 13, 16, 31, 33, 48, 65, 127, 129, 200])
"""Of sequences: 1, primes, tiles and blocks ± 1, and several blocks of queries."""
SIZES = st.sampled_from([1, 3, 4, 8, 16, 17, 32, 40])
LAYOUTS = st.sampled_from(["c", "heads last", "gaps", "reversed"])
MASKS = st.sampled_from([None, "bool", "float32", "float64", "bool of keys", "bool of queries", "float32 in part"])


class Buffers:
    """Arrays as numbered buffers, laid out in several ways, with guards around them."""

    def __init__(self) -> None:
        self.bases: dict[int, Array] = {}
        self.arrays: dict[int, Array] = {}
        self.given: dict[int, Array] = {}

    def add(self, array: Array, layout: str = "c", dtype: str | None = None) -> View:
        """A view of a copy of an array, in a layout."""
        view = self.empty(array.shape, dtype or str(array.dtype), layout)
        self.arrays[view.buffer][...] = self.given[view.buffer] = array
        return view

    def empty(self, shape: tuple[int, ...], dtype: str, layout: str = "c") -> View:
        """A view of memory that holds nothing yet."""
        stored = np.dtype("uint16" if dtype == "bfloat16" else dtype)
        axes = [*range(len(shape))]
        if layout == "heads last" and len(shape) > 2:
            axes[-3], axes[-2] = axes[-2], axes[-3]
        gap = 2 if layout == "gaps" else 1
        sizes = [shape[axis] * gap for axis in axes]
        count = int(np.prod(sizes, dtype=int))
        base = np.full(count + 2 * GAP, _poison(stored), stored)
        laid = base[GAP : GAP + count].reshape(sizes)[tuple(slice(None, None, gap) for _ in axes)]
        laid = laid.transpose(np.argsort(axes))[
            tuple(slice(None, None, -1 if layout == "reversed" else 1) for _ in axes)
        ]
        number = len(self.bases)
        self.bases[number], self.arrays[number] = base, laid
        offset = (laid.ctypes.data - base.ctypes.data) // base.itemsize if laid.size else GAP
        return View(number, dtype, shape, tuple(stride // base.itemsize for stride in laid.strides), offset)

    def allocate(self, dtype: str, shape: tuple[int, ...]) -> View:
        return self.empty(shape, dtype)

    def run(self, launches: Sequence[Launch]) -> None:
        """Runs launches, and sees that they change nothing but the arrays that weren't given. Scratch memory is full
        of NaN before."""
        addresses, alive = compile_kernels([launch.kernel.text for launch in launches])
        for launch in launches:
            views = [argument for argument in launch.arguments if isinstance(argument, View)]
            words = [self.bases[view.buffer].ctypes.data + view.offset * size_bytes(view.dtype) for view in views]
            arguments = (ctypes.c_int64 * len(words))(*words)
            scratch = np.full(launch.kernel.scratch_bytes + 128, 0xFF, np.uint8)
            start = scratch.ctypes.data + -scratch.ctypes.data % 64
            for task in range(launch.tasks):
                FUNCTION(addresses[launch.kernel.text])(ctypes.addressof(arguments), task, start)
        del alive
        for number, base in self.bases.items():
            if number in self.given:
                np.testing.assert_array_equal(self.arrays[number], self.given[number])
            kept = self.arrays[number].copy()
            self.arrays[number][...] = _poison(base.dtype)
            np.testing.assert_array_equal(base, _poison(base.dtype), err_msg="written outside of a view")
            self.arrays[number][...] = kept

    def number(self, view: View) -> Array:
        """What a view holds, in double precision."""
        return widened(self.arrays[view.buffer], view.dtype)


def _poison(dtype: np.dtype[Any]) -> Any:
    return np.nan if dtype.kind == "f" else True if dtype.kind == "b" else 0x7FC0


def widened(array: Array, dtype: str) -> Array:
    if dtype == "bfloat16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float64)


def drawn(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Normal numbers, of the largest at most 3, so that scores are moderate; bfloat16 as its bits."""
    numbers = random.standard_normal(shape).clip(-3, 3)
    if dtype == "bfloat16":
        return (numbers.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return numbers.astype(dtype)


def drawn_mask(
    random: np.random.Generator, kind: str | None, batch: tuple[int, ...], rows: int, columns: int
) -> Array | None:
    """A mask. The first query may look at no key."""
    if kind is None:
        return None
    shape = (*batch, rows, columns)
    if kind.endswith("of keys"):
        shape = (*batch[:1], *(1,) * (len(batch) - 1), 1, columns)
    elif kind.endswith("of queries"):
        shape = (rows, 1)
    allowed = random.random(shape) < 0.8
    if shape[-2] == rows:
        allowed[..., 0, :] = False
    if kind.startswith("bool"):
        return allowed
    dtype = kind.partition(" ")[0]
    return np.where(allowed, random.standard_normal(shape), -np.inf if kind == dtype else -2).astype(dtype)


def weights_of(query: Array, key: Array, mask: Array | None, scale: float | None, is_causal: bool) -> Array:
    scores = query * (query.shape[-1] ** -0.5 if scale is None else scale) @ key.swapaxes(-1, -2)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    greatest = scores.max(-1, keepdims=True, initial=-np.inf)
    weights = np.exp(scores - np.where(np.isneginf(greatest), 0, greatest))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def summed_to(array: Array, shape: tuple[int, ...]) -> Array:
    array = array.sum(tuple(range(array.ndim - len(shape))))
    return array.sum(tuple(axis for axis, size in enumerate(shape) if size != array.shape[axis]), keepdims=True)


def gradients(
    cotangent: Array, query: Array, key: Array, value: Array, mask: Array | None, scale: float | None, is_causal: bool
) -> list[Array]:
    weights = weights_of(query, key, mask, scale, is_causal)
    along = cotangent @ value.swapaxes(-1, -2)
    scores = weights * (along - (weights * along).sum(-1, keepdims=True))
    scores = scores * (query.shape[-1] ** -0.5 if scale is None else scale)
    full = scores @ key, scores.swapaxes(-1, -2) @ query, weights.swapaxes(-1, -2) @ cotangent
    return [summed_to(one, operand.shape) for one, operand in zip(full, (query, key, value), strict=True)]


class Case:
    """One attention: its operands as views, as double precision, and what it should give."""

    def __init__(
        self,
        batch: tuple[int, ...],
        queries: int,
        keys: int,
        size: int,
        value_size: int | None = None,
        *,
        key_batch: tuple[int, ...] | None = None,
        query_batch: tuple[int, ...] | None = None,
        dtype: str = "float32",
        layout: str = "c",
        mask: str | Array | None = None,
        scale: float | None = None,
        is_causal: bool = False,
        number: int = 0,
    ) -> None:
        random = np.random.default_rng([number, queries, keys, size])
        key_batch = batch if key_batch is None else key_batch
        query_batch = batch if query_batch is None else query_batch
        value_size = size if value_size is None else value_size
        shapes = (*query_batch, queries, size), (*key_batch, keys, size), (*key_batch, keys, value_size)
        self.buffers, self.dtype, self.layout = Buffers(), dtype, layout
        self.operands = [self.buffers.add(drawn(random, shape, dtype), layout, dtype) for shape in shapes]
        self.cotangent = self.buffers.add(drawn(random, (*batch, queries, value_size), dtype), layout, dtype)
        masked = drawn_mask(random, mask, batch, queries, keys) if mask is None or isinstance(mask, str) else mask
        self.mask = None if masked is None else self.buffers.add(masked, layout)
        self.settings: dict[str, Any] = {"mask": self.mask, "scale": scale, "is_causal": is_causal}
        self.arguments = masked, scale, is_causal

    def numbers(self) -> list[Array]:
        return [self.buffers.number(view) for view in self.operands]

    def forward(self, *, keeps: bool = False) -> tuple[View, View | None]:
        """Runs attention: its output, and its statistics if they are kept."""
        shape = self.cotangent.shape
        output = self.buffers.empty(shape, self.dtype, self.layout)
        statistics = self.buffers.empty((*shape[:-1], 2), statistics_dtype(*self.operands)) if keeps else None
        description = Attention(*self.operands, output, statistics=statistics, **self.settings)
        self.buffers.run(attention_launches(isa(), description, self.buffers.allocate))
        return output, statistics

    def backward(self, output: View | None = None, statistics: View | None = None) -> list[Array]:
        """Runs the gradient."""
        views = [self.buffers.empty(view.shape, self.dtype, self.layout) for view in self.operands]
        description = AttentionGradient(
            self.cotangent, *self.operands, *views, output=output, statistics=statistics, **self.settings
        )
        self.buffers.run(attention_gradient_launches(isa(), description, self.buffers.allocate))
        return [self.buffers.number(view) for view in views]

    def check_forward(self) -> None:
        output, _ = self.forward()
        query, key, value = self.numbers()
        with np.errstate(invalid="ignore"):
            self.compare([self.buffers.number(output)], [weights_of(query, key, *self.arguments) @ value])

    def check_backward(self, *, keeps: bool = False) -> None:
        output, statistics = self.forward(keeps=keeps) if keeps else (None, None)
        with np.errstate(invalid="ignore"):
            wanted = gradients(self.buffers.number(self.cotangent), *self.numbers(), *self.arguments)
        self.compare(self.backward(output, statistics), wanted, rounded=keeps)

    def compare(self, got: Sequence[Array], wanted: Sequence[Array], *, rounded: bool = False) -> None:
        """Half precision is computed in single: only operands (exact here) and results are rounded, and the output that
        the gradient may take. In the type that is computed with, a score is off by some ε of the sum of its products'
        magnitudes, here up to about 10, which is what its weight is off by in proportion; sums of hundreds of such
        weights average that out. Gradients of queries and keys may be small since their terms cancel, so the largest of
        all gradients says what rounding can do."""
        epsilon = EPSILON["float64" if self.dtype == "float64" else "float32"]
        if rounded and self.dtype in ("float16", "bfloat16"):
            epsilon = EPSILON[self.dtype] / 16
        largest = max(np.abs(other[np.isfinite(other)]).max(initial=1) for other in wanted)
        for one, other in zip(got, wanted, strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=EPSILON[self.dtype], atol=32 * epsilon * largest)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    lengths, sizes = (draw(st.tuples(one, one)) for one in (LENGTHS, SIZES))
    return Case(
        draw(st.sampled_from([(), (2,), (2, 3)])),
        *lengths,
        *sizes,
        layout=draw(LAYOUTS),
        mask=draw(MASKS),
        scale=draw(st.sampled_from([None, 0.3, -0.2])),
        is_causal=draw(st.booleans()),
    )


@seed(1)
@settings(max_examples=10, deadline=None, database=None)
@given(cases())
def test_attention_is_a_weighted_mean_of_values(case: Case) -> None:
    case.check_forward()


@seed(2)
@settings(max_examples=10, deadline=None, database=None)
@given(cases(), st.booleans())
def test_the_gradient_is_that_of_the_weighted_mean(case: Case, keeps: bool) -> None:
    case.check_backward(keeps=keeps)


@pytest.mark.parametrize(("dtype", "keeps"), [("float64", True), ("float16", False), ("bfloat16", True)])
def test_other_dtypes_are_computed_in_single_or_double_precision(dtype: str, keeps: bool) -> None:
    case = Case((2, 2), 37, 45, 20, dtype=dtype, is_causal=True, layout="heads last")
    case.check_forward()
    case.check_backward(keeps=keeps)


@pytest.mark.parametrize("mask", [None, "float32"])
def test_many_keys_are_taken_in_blocks(mask: str | None) -> None:
    case = Case((1,), 150, 523, 16, mask=mask)
    case.check_forward()
    case.check_backward()


@pytest.mark.parametrize("lengths", [(530, 530), (560, 140)])
def test_blocks_that_no_query_sees_are_left_out(lengths: tuple[int, int]) -> None:
    case = Case((2,), *lengths, 8, is_causal=True)
    case.check_forward()
    case.check_backward(keeps=True)


@pytest.mark.parametrize(("query_batch", "key_batch"), [((2, 4), (2, 1)), ((1, 4), (2, 1)), ((3,), (1,)), ((), (2,))])
def test_leading_axes_broadcast(query_batch: tuple[int, ...], key_batch: tuple[int, ...]) -> None:
    batch = np.broadcast_shapes(query_batch, key_batch)
    case = Case(batch, 19, 21, 8, query_batch=query_batch, key_batch=key_batch, mask="bool")
    case.check_forward()
    case.check_backward()


@pytest.mark.parametrize(
    "shape", [((2,), 0, 5, 4, 3), ((2,), 5, 0, 4, 3), ((0,), 5, 5, 4, 3), ((2,), 5, 5, 0, 3), ((2,), 5, 5, 4, 0)]
)
def test_nothing_is_a_size_too(shape: tuple[Any, ...]) -> None:
    case = Case(*shape, scale=1.0, is_causal=True)
    case.check_forward()
    case.check_backward()


@pytest.mark.parametrize("lowest", [float(np.finfo(np.float32).min), -1e9])
def test_queries_whose_keys_are_all_but_forbidden_take_the_mean(lowest: float) -> None:
    mask = np.where(np.arange(12)[:, None] < 6, lowest, 0) + np.zeros((12, 40))
    case = Case((1,), 12, 40, 8, mask=mask.astype(np.float32))
    output, statistics = case.forward(keeps=True)
    value = case.numbers()[2]
    got = case.buffers.number(output)
    np.testing.assert_allclose(
        got[0, :6], np.broadcast_to(value[0].mean(0), (6, 8)), atol=0.1 if lowest == -1e9 else 1e-6
    )
    case.compare(case.backward(output, statistics), case.backward())


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("operand", [0, 1, 2])
def test_what_is_not_finite_spreads_as_in_numpy(operand: int, number: float) -> None:
    case = Case((1,), 20, 24, 8)
    view = case.operands[operand]
    case.buffers.arrays[view.buffer][0, 3, 5] = case.buffers.given[view.buffer][0, 3, 5] = number
    query, key, value = case.numbers()
    with np.errstate(invalid="ignore"):
        case.compare([case.buffers.number(case.forward()[0])], [weights_of(query, key, *case.arguments) @ value])
        wanted = gradients(case.buffers.number(case.cotangent), query, key, value, *case.arguments)
    case.compare(case.backward(), wanted)


def test_the_gradient_agrees_with_finite_differences() -> None:
    case = Case((1,), 6, 7, 4, dtype="float64", is_causal=True)
    cotangent, operands, step = case.buffers.number(case.cotangent), case.numbers(), 1e-6
    for place, gradient in enumerate(case.backward()):
        direction = np.random.default_rng(place).standard_normal(gradient.shape)
        values = []
        for sign in (1, -1):
            moved = [one + sign * step * direction if i == place else one for i, one in enumerate(operands)]
            values.append((cotangent * (weights_of(moved[0], moved[1], *case.arguments) @ moved[2])).sum())
        slope = (values[0] - values[1]) / (2 * step)
        # The third derivative, of order 10, times step² / 6, and rounding of values of order 10 divided by the step.
        assert abs(slope - (gradient * direction).sum()) < 1e-7


@pytest.mark.parametrize("name", ["avx2", "sse2"])
def test_other_instruction_sets_pass_these_tests_too(name: str) -> None:
    if os.environ.get("DOVETAIL_ISA") or isa().name not in ("avx512", "avx2"):
        pytest.skip("only from the machine's best instruction set to those below")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(
        command, env={**os.environ, "DOVETAIL_ISA": name}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
