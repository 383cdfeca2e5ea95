"""Clusters against NumPy in double precision: named ones, in every way that they can be computed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dovetail_kernels_llvm.codegen.isa import VARIABLE, isa
from dovetail_kernels_llvm.kernels.cluster import COLUMN, FULL, ONE, ROW
from dovetail_kernels_llvm.kernels.clusters import cluster_launches
from dovetail_kernels_llvm.kernels.kernel import View, c_strides

from .cluster_oracle import Making

ROUNDING = 3e-5
"""Of single precision: some hundred roundings of 6e-8 each, and 2 units in the last place of exp and its like."""


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 997, 70_001])
def test_elementwise_work_on_anything_contiguous(size: int) -> None:
    making = Making((), size)
    x, y = making.load(), making.load()
    making.store(making.apply("add", making.apply("multiply", x, y), making.constant(0.5)))
    making.check(tolerance=ROUNDING)


@pytest.mark.parametrize("start", [0, 1, 5, 15])
def test_large_outputs_may_begin_anywhere(start: int) -> None:
    size = (8 << 20) // 4 + 3  # streamed past the cache
    making = Making((), size)
    x = making.load(numbers=np.arange(64) / 64)
    whole = making.buffers.allocate("float32", (size + start,))
    making.store(making.apply("add", x, x), view=View(whole.buffer, "float32", (size,), (1,), whole.offset + start))
    other = making.buffers.allocate("float32", (size,))
    making.store(making.apply("multiply", x, x), view=other)
    (launch,) = making.check(tolerance=ROUNDING)
    assert "nontemporal" in launch.kernel.text
    assert launch.tasks > 1


def test_sizes_of_flat_clusters_share_one_kernel() -> None:
    texts = set()
    for size in (1, 10, 1000, 65536):
        making = Making((), size)
        making.store(making.apply("add", making.load(), making.load(ONE)))
        (launch,) = cluster_launches(isa(), making.cluster(), making.buffers.allocate)
        texts.add(launch.kernel.text)
        assert launch.kernel.what == "add"
    assert len(texts) == 1


def softmax(making: Making, x: int) -> int:
    e = making.apply("exp", making.apply("subtract", x, making.reduce("max", x, ROW)))
    return making.apply("divide", e, making.reduce("sum", e, ROW))


@pytest.mark.parametrize(
    ("rows", "columns"), [((70,), 1), ((5,), 3), ((2, 9), 10), ((33,), 32), ((9,), 130), ((7,), 1003), ((2,), 9001)]
)
def test_softmax_and_its_gradient(rows: tuple[int, ...], columns: int) -> None:
    making = Making(rows, columns)
    y, gradient = softmax(making, making.load()), making.load()
    total = making.reduce("sum", making.apply("multiply", gradient, y), ROW)
    making.store(y)
    making.store(making.apply("multiply", y, making.apply("subtract", gradient, total)))
    assert len(making.check(tolerance=ROUNDING)) == 1


@pytest.mark.parametrize(("rows", "strides"), [((50,), (1, 50)), ((3, 20), (900, 1, 20)), ((3, 50), (2000, -1, 50))])
def test_rows_may_be_what_is_contiguous(rows: tuple[int, ...], strides: tuple[int, ...]) -> None:
    making = Making(rows, 40)
    y = softmax(making, making.load(strides=strides))
    making.store(y, strides)
    making.store(making.reduce("max", y, ROW))
    making.store(making.reduce("sum", y, ONE))
    making.check(tolerance=ROUNDING)


def test_softmax_in_place() -> None:
    making = Making((6,), 200)
    x = making.load()
    making.store(softmax(making, x), view=making.terms[x].view)
    making.check(tolerance=ROUNDING)


@pytest.mark.parametrize(("rows", "columns"), [(9, 40), (300, 257)])
def test_layer_normalization_and_its_gradients(rows: int, columns: int) -> None:
    making = Making((rows,), columns)
    x, gradient, scale, shift = making.load(), making.load(), making.load(COLUMN), making.load(COLUMN)
    share, apply = making.constant(1 / columns), making.apply
    centered = apply("subtract", x, apply("multiply", making.reduce("sum", x, ROW), share))
    variance = apply("multiply", making.reduce("sum", apply("multiply", centered, centered), ROW), share)
    inverse = apply("divide", making.constant(1.0), apply("sqrt", apply("add", variance, making.constant(1e-2))))
    normal = apply("multiply", centered, inverse)
    making.store(apply("add", apply("multiply", normal, scale), shift))
    making.store(making.reduce("sum", apply("multiply", gradient, normal), COLUMN))
    making.store(making.reduce("sum", gradient, COLUMN))
    scaled = apply("multiply", gradient, scale)
    one = apply("multiply", making.reduce("sum", scaled, ROW), share)
    two = apply("multiply", making.reduce("sum", apply("multiply", scaled, normal), ROW), share)
    rest = apply("subtract", apply("subtract", scaled, one), apply("multiply", normal, two))
    making.store(apply("multiply", inverse, rest))
    making.check(tolerance=ROUNDING)


@pytest.mark.parametrize(("rows", "columns"), [(5, 10), (400, 131)])
def test_cross_entropy_and_its_gradient(rows: int, columns: int) -> None:
    making = Making((rows,), columns)
    apply = making.apply
    x, labels = making.load(), making.load(ROW, "int64", numbers=making.random.integers(0, columns, rows))
    largest = making.reduce("max", x, ROW)
    e = apply("exp", apply("subtract", x, largest))
    total = making.reduce("sum", e, ROW)
    hot = apply("equal", making.index(1, COLUMN), labels, dtype="bool")
    zero, one, share = making.constant(0.0), making.constant(1.0), making.constant(1 / rows)
    picked = making.reduce("sum", apply("where", hot, x, zero), ROW)
    loss = apply("subtract", apply("add", apply("log", total), largest), picked)
    making.store(apply("multiply", making.reduce("sum", loss, ONE), share))
    gradient = apply("subtract", apply("divide", e, total), apply("where", hot, one, zero))
    making.store(apply("multiply", gradient, share))
    making.check(tolerance=ROUNDING)


def test_optimizer_update_in_place() -> None:
    making = Making((), 50_003)
    apply, constant = making.apply, making.constant
    weight, gradient, mean = making.load(), making.load(), making.load()
    square = making.load(numbers=np.arange(1, 98) / 64)
    rate = making.load(ONE)
    means = apply("add", apply("multiply", mean, constant(0.9)), apply("multiply", gradient, constant(0.1)))
    squares = apply("multiply", apply("multiply", gradient, gradient), constant(0.01))
    squares = apply("add", apply("multiply", square, constant(0.99)), squares)
    step = apply("divide", means, apply("add", apply("sqrt", squares), constant(1e-3)))
    making.store(apply("subtract", weight, apply("multiply", step, rate)), view=making.terms[weight].view)
    making.store(means, view=making.terms[mean].view)
    making.store(squares, view=making.terms[square].view)
    making.check(tolerance=ROUNDING)


@pytest.mark.parametrize("form", ["flat", "few rows", "many rows"])
def test_terms_after_a_reduction_over_everything(form: str) -> None:
    rows, columns = {"flat": ((), 400_000), "few rows": ((2,), 200_001), "many rows": ((2000,), 300)}[form]
    making = Making(rows, columns)
    x = making.load()
    norm = making.apply("sqrt", making.reduce("sum", making.apply("multiply", x, x), ONE))
    making.store(norm)
    making.store(making.apply("divide", x, norm))
    launches = making.check(tolerance=ROUNDING)
    assert max(launch.tasks for launch in launches) > 1


def test_long_rows_are_shared_by_tasks() -> None:
    making = Making((2,), 300_001)
    x = making.load()
    centered = making.apply("subtract", x, making.reduce("max", x, ROW))
    making.store(making.reduce("sum", centered, ROW))
    making.store(centered)
    launches = making.check(tolerance=ROUNDING)
    assert max(launch.tasks for launch in launches) > 2


@pytest.mark.parametrize(("rows", "columns"), [(2_001, 64), (40_001, 3), (129, 700), (20, 5000)])
def test_statistics_of_columns_and_what_needs_them(rows: int, columns: int) -> None:
    making = Making((rows,), columns)
    x, share = making.load(), making.constant(1 / rows)
    mean = making.apply("multiply", making.reduce("sum", x, COLUMN), share)
    centered = making.apply("subtract", x, mean)
    variance = making.reduce("sum", making.apply("multiply", centered, centered), COLUMN)
    making.store(making.apply("divide", centered, making.apply("sqrt", variance)))
    making.store(mean)
    making.check(tolerance=ROUNDING)


def test_running_statistics_are_updated_in_place_after_they_were_read() -> None:
    making = Making((3_000,), 48)
    x, running = making.load(), making.load(COLUMN)
    mean = making.apply("multiply", making.reduce("sum", x, COLUMN), making.constant(1 / 3_000))
    making.store(making.apply("subtract", x, running))
    view = making.terms[running].view
    assert view is not None
    target = View(view.buffer, "float32", (48,), (1,), view.offset)
    making.store(making.apply("add", running, mean), view=target)
    making.check(tolerance=ROUNDING)


def test_values_for_rows_or_columns_alone() -> None:
    making = Making((40,), 30)
    row, column = making.load(ROW), making.load(COLUMN)
    making.store(making.apply("exp", row))
    making.store(making.apply("exp", column))
    making.store(making.reduce("sum", row, ONE))
    making.store(making.reduce("max", column, ONE))
    making.store(making.apply("multiply", row, column))
    making.check(tolerance=ROUNDING)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_reductions_over_nothing_are_identities(shape: tuple[int, int]) -> None:
    making = Making(shape[:1], shape[1])
    x = making.load()
    for operation in ("sum", "prod"):
        for space in (ROW, COLUMN, ONE):
            making.store(making.reduce(operation, x, space))
    making.store(making.apply("exp", making.reduce("sum", x, ROW)))
    making.check()


@pytest.mark.parametrize("space", [ROW, COLUMN, ONE])
def test_nan_comes_through_largest_and_smallest(space: str) -> None:
    making = Making((20,), 50)
    x = making.load()
    making.store(making.reduce("max", x, space))
    making.store(making.reduce("min", x, space))
    view = making.terms[x].view
    assert view is not None
    making.buffers.array(view)[3, 7] = np.nan
    making.buffers.array(view)[3, 40] = np.inf
    making.buffers.array(view)[4, 1] = -np.inf
    making.check()


def test_sum_of_many_numbers_is_as_good_as_pairwise() -> None:
    making = Making((), 3_000_000)
    x = making.load(numbers=np.random.default_rng(3).random(3_000_000) + 0.1)
    making.store(making.reduce("sum", x, ONE))
    making.check(tolerance=2e-7)  # the last rounding is 6e-8
    making = Making((100_000,), 12)
    x = making.load(numbers=np.random.default_rng(3).random(1_200_000) + 0.1)
    making.store(making.reduce("sum", x, COLUMN))
    making.check(tolerance=2e-5)  # NumPy adds rows one by one: 1e-4


def test_reductions_may_widen_what_they_are_over() -> None:
    making = Making((30,), 70)
    x, flag = making.load(dtype="int8"), making.load(dtype="bool")
    making.store(making.reduce("sum", x, ROW, dtype="int64"))
    making.store(making.reduce("sum", flag, COLUMN, dtype="int32"))
    making.check()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_what_lies_across_is_transposed_on_the_way(dtype: str) -> None:
    making = Making((3, 70), 150)
    x = making.load(dtype=dtype)
    across = making.load(dtype=dtype, strides=(70 * 150, 1, 70))
    other = making.load(dtype=dtype, strides=(1, 3, 210))
    making.store(making.apply("add", making.apply("multiply", x, across), other))
    making.store(making.reduce("max", across, ONE))
    making.check(tolerance=2e-3 if dtype == "float16" else ROUNDING)


def test_large_clusters_compile_into_small_code() -> None:
    making = Making((64,), 512)
    term = making.load()
    for number in range(60):
        term = making.apply(("add", "multiply", "tanh")[number % 3], term, *[making.constant(0.5)] * (number % 3 < 2))
    making.store(term)
    (launch,) = making.check(tolerance=1e-3)
    assert launch.kernel.text.count("\n") < 5_000


def test_launches_tell_what_they_read_and_write() -> None:
    making = Making((64,), 32)
    x, y = making.load(), making.load(COLUMN)
    target = making.store(making.apply("multiply", making.apply("add", x, y), x))
    (launch,) = cluster_launches(isa(), making.cluster(), making.buffers.allocate)
    arguments = launch.arguments
    assert [one.buffer for one in arguments if isinstance(one, View)] == [0, 1, target.buffer]
    assert launch.writes == (2,)
    assert launch.flops == 2 * 64 * 32
    assert launch.bytes == 4 * (2 * 64 * 32 + 32)
    assert launch.kernel.what == "add, multiply → [64, 32]"
    assert c_strides((64, 32)) == target.strides
    assert FULL == "full"


@pytest.mark.parametrize("name", ["avx2", "sse2"])
def test_other_instruction_sets_pass_these_tests_too(name: str) -> None:
    if os.environ.get(VARIABLE) or isa().name not in ("avx512", "avx2"):
        pytest.skip("only from the machine's best instruction set to those below")
    here = Path(__file__)
    files = [str(here), str(here.with_name("test_clusters_drawn.py"))]
    chosen = "not begin_anywhere and not many_numbers and not over_everything"  # which are slow, and the same
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", chosen, *files]
    done = subprocess.run(command, env={**os.environ, VARIABLE: name}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
