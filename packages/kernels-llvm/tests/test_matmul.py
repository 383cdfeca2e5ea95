from __future__ import annotations

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
from dovetail_kernels_llvm.kernels.cluster import COLUMN, INDEX, LOAD, ONE, PRODUCT, ROW, Cluster, Store, Term
from dovetail_kernels_llvm.kernels.kernel import Launch, View, c_strides
from dovetail_kernels_llvm.kernels.matmul import Matmul, matmul_launches
from dovetail_kernels_llvm.runtime.plain import run

Array = np.ndarray[Any, Any]

GAP = 24
"""Elements before and after each array that nothing may write, and that must not reach a result."""


class Buffers:
    """Arrays as numbered buffers, with guards around them."""

    def __init__(self) -> None:
        self.arrays: dict[int, Array] = {}
        self.bases: list[tuple[Array, Array]] = []

    def add(self, array: Array, layout: Layout = "c", dtype: str | None = None) -> View:
        """A view of a copy of an array in a layout."""
        shape = array.shape
        order, gaps, signs = LAYOUTS[layout]
        axes = order(len(shape))
        sizes = [shape[axis] * gap for axis, gap in zip(axes, gaps(len(shape)), strict=True)]
        size = int(np.prod(sizes, dtype=int))
        base = np.full(size + 2 * GAP, _poison(array.dtype), array.dtype)
        inner = base[GAP : GAP + size].reshape(sizes)
        laid = inner[tuple(slice(None, None, gap) for gap in gaps(len(shape)))].transpose(np.argsort(axes))
        laid = laid[tuple(slice(None, None, signs) for _ in shape)]
        laid[...] = array
        number = len(self.arrays)
        self.arrays[number] = base
        self.bases.append((laid, base))
        offset = (laid.ctypes.data - base.ctypes.data) // base.itemsize
        strides = tuple(stride // base.itemsize for stride in laid.strides)
        return View(number, dtype or str(array.dtype), shape, strides, offset)

    def allocate(self, dtype: str, shape: tuple[int, ...]) -> View:
        number = len(self.arrays)
        self.arrays[number] = np.full(shape, _poison(np.dtype(dtype)), dtype)
        return View(number, dtype, shape, c_strides(shape))

    def value(self, view: View) -> Array:
        return self.bases[view.buffer][0]

    def run(self, launches: Sequence[Launch]) -> None:
        """Runs launches, and sees that nothing was written beside the arrays."""
        run(launches, self.arrays)
        for laid, base in self.bases:
            kept = laid.copy()
            laid[...] = _poison(base.dtype)
            same = base == _poison(base.dtype)
            assert np.all(same | (base != base)), "written outside of the view"
            laid[...] = kept


def _poison(dtype: np.dtype[Any]) -> Any:
    return np.nan if dtype.kind == "f" else 77


Layout = str
LAYOUTS: dict[str, Any] = {
    "c": (lambda rank: [*range(rank)], lambda rank: [1] * rank, 1),
    "transposed": (lambda rank: [*range(rank - 2), rank - 1, rank - 2], lambda rank: [1] * rank, 1),
    "gaps": (lambda rank: [*range(rank)], lambda rank: [1] * (rank - 1) + [3], 1),
    "row gaps": (lambda rank: [*range(rank)], lambda rank: [1] * (rank - 2) + [2, 1], 1),
    "reversed": (lambda rank: [*range(rank)], lambda rank: [1] * rank, -1),
    "outermost last": (lambda rank: [*range(1, rank), 0], lambda rank: [1] * rank, 1),
}
"""Of each layout: the order of axes in memory, the steps along them, and the sign of the strides."""


def drawn(shape: tuple[int, ...], dtype: str = "float32", start: int = 0) -> Array:
    random = np.random.default_rng([start, *shape])
    if dtype.startswith("float"):
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0, 100, shape).astype(dtype)


def plain(view: View) -> Cluster:
    return Cluster(view.shape[:-1], view.shape[-1], (Term(PRODUCT, (), view.dtype),), (Store(0, view),))


def broadcast(view: View, batch: tuple[int, ...]) -> View:
    """A view with strides 0 along batch axes that it hasn't."""
    missing = len(batch) + 2 - len(view.shape)
    strides = [0] * missing + list(view.strides)
    shape = [1] * missing + list(view.shape)
    for axis, size in enumerate(batch):
        if shape[axis] != size:
            shape[axis], strides[axis] = size, 0
    return View(view.buffer, view.dtype, tuple(shape), tuple(strides), view.offset)


def bound(a: Array, b: Array, dtype: str = "float32") -> Array:
    """What rounding may do to a sum of K products, twice over: N. Higham, Accuracy and Stability, section 3.1."""
    eps = np.finfo(dtype).eps
    return 2 * (a.shape[-1] + 2) * eps * (np.abs(a) @ np.abs(b)) + 1e-30


def check_product(
    a: Array, b: Array, layouts: tuple[Layout, Layout, Layout] = ("c", "c", "c"), dtype: str = "float32"
) -> None:
    """Compares a product with NumPy's in double precision."""
    wide_a, wide_b = (one.astype(np.float64) for one in (a, b))
    expected = wide_a @ wide_b
    batch = expected.shape[:-2]
    buffers = Buffers()
    views = [broadcast(buffers.add(one, layout), batch) for one, layout in zip((a, b), layouts, strict=False)]
    result = buffers.add(np.zeros(expected.shape, dtype), layouts[2])
    buffers.run(matmul_launches(isa(), Matmul(*views, plain(result)), buffers.allocate))
    assert np.all(np.abs(buffers.value(result) - expected) <= bound(wide_a, wide_b, dtype))


SIZES = st.sampled_from([1, 2, 3, 7, 13, 15, 16, 17, 31, 32, 33, 48, 61, 97])


@seed(1)
@settings(max_examples=25, deadline=None, database=None)
@given(st.data())
def test_product_agrees_with_float64_in_any_layout(data: st.DataObject) -> None:
    m, n, k = (data.draw(SIZES) for _ in range(3))
    batch = data.draw(st.sampled_from([(), (3,), (2, 3)]))
    batch_a, batch_b = (data.draw(st.sampled_from([batch, batch[1:], tuple(1 for _ in batch)])) for _ in range(2))
    layouts = tuple(data.draw(st.sampled_from(sorted(LAYOUTS))) for _ in range(3))
    a, b = drawn((*batch_a, m, k)), drawn((*batch_b, k, n), start=1)
    check_product(a, b, layouts)  # type: ignore[arg-type] # three of them


@pytest.mark.parametrize(
    "shape", [(0, 5, 3), (5, 0, 3), (5, 3, 0), (1, 1, 1), (1, 300, 130), (300, 1, 130), (130, 10, 1), (40, 40, 5000)]
)
def test_product_of_thin_shapes(shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    check_product(drawn((m, k)), drawn((k, n), start=1))


@pytest.mark.parametrize("layout", ["c", "transposed"])
def test_product_in_many_tasks(layout: Layout) -> None:
    check_product(drawn((200, 331)), drawn((331, 170), start=1), (layout, layout, "c"))


def test_no_elements_need_no_launch() -> None:
    buffers = Buffers()
    a, b, c = (buffers.add(np.zeros(shape, np.float32)) for shape in ((3, 0, 4), (3, 4, 5), (3, 0, 5)))
    assert matmul_launches(isa(), Matmul(a, b, plain(c)), buffers.allocate) == []


@pytest.mark.parametrize("layouts", [("c", "c", "c"), ("transposed", "transposed", "c"), ("c", "c", "transposed")])
def test_product_of_doubles(layouts: tuple[Layout, Layout, Layout]) -> None:
    check_product(drawn((37, 45), "float64"), drawn((45, 29), "float64", start=1), layouts, "float64")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint64"])
def test_whole_numbers_wrap_around(dtype: str) -> None:
    a, b = drawn((19, 70), dtype), drawn((70, 67), dtype, start=1)
    buffers = Buffers()
    views = [buffers.add(a), buffers.add(b, "transposed"), buffers.add(np.zeros((19, 67), dtype))]
    buffers.run(matmul_launches(isa(), Matmul(views[0], views[1], plain(views[2])), buffers.allocate))
    np.testing.assert_array_equal(buffers.value(views[2]), a @ b)


@pytest.mark.parametrize("layout", ["c", "transposed"])
def test_half_precision_is_summed_in_single(layout: Layout) -> None:
    a, b = drawn((35, 400), "float16"), drawn((400, 50), "float16", start=1)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    buffers = Buffers()
    views = [buffers.add(a, layout), buffers.add(b, layout), buffers.add(np.zeros((35, 50), "float16"))]
    buffers.run(matmul_launches(isa(), Matmul(views[0], views[1], plain(views[2])), buffers.allocate))
    allowed = bound(a.astype(np.float64), b.astype(np.float64)) + np.finfo("float16").eps * np.abs(expected)
    assert np.all(np.abs(buffers.value(views[2]) - expected) <= allowed)


@pytest.mark.parametrize("layout", ["c", "transposed"])
def test_bfloat16_is_summed_in_single(layout: Layout) -> None:
    bits = [
        (drawn(shape, start=start).view(np.uint32) >> 16).astype(np.uint16)
        for start, shape in enumerate([(35, 400), (400, 50)])
    ]
    a, b = ((one.astype(np.uint32) << 16).view(np.float32).astype(np.float64) for one in bits)
    buffers = Buffers()
    views = [buffers.add(one, layout, "bfloat16") for one in bits]
    result = buffers.add(np.zeros((35, 50), np.float32))
    buffers.run(matmul_launches(isa(), Matmul(views[0], views[1], plain(result)), buffers.allocate))
    assert np.all(np.abs(buffers.value(result) - a @ b) <= bound(a, b))


# ---------------------------------------------------------------------- epilogues


def loaded(view: View, shape: tuple[int, ...], space: str = "full") -> Term:
    return Term(LOAD, (), view.dtype, space, broadcast(view, shape[:-2]) if len(shape) > 2 else view)


@pytest.mark.parametrize("k", [70, 9000])
def test_bias_and_product_by_a_residual_with_two_stores(k: int) -> None:
    m, n = 45, 70
    a, b, bias, residual = drawn((m, k)), drawn((k, n), start=1), drawn((n,), start=2), drawn((m, n), start=3)
    buffers = Buffers()
    views = [buffers.add(one) for one in (a, b, bias)]
    over = buffers.add(residual, "gaps")
    first, second = buffers.add(np.zeros((m, n), np.float32)), buffers.add(np.zeros((m, n), np.float32), "gaps")
    terms = (
        Term(LOAD, (), "float32", COLUMN, View(views[2].buffer, "float32", (m, n), (0, 1), views[2].offset)),
        Term(PRODUCT, (), "float32"),
        Term("add", (1, 0), "float32"),
        Term(LOAD, (), "float32", "full", over),
        Term("multiply", (2, 3), "float32"),
    )
    cluster = Cluster((m,), n, terms, (Store(2, first), Store(4, second)))
    buffers.run(matmul_launches(isa(), Matmul(views[0], views[1], cluster), buffers.allocate))
    exact = a.astype(np.float64) @ b.astype(np.float64) + bias
    allowed = bound(a.astype(np.float64), b.astype(np.float64)) + 1e-6 * np.abs(exact)
    assert np.all(np.abs(buffers.value(first) - exact) <= allowed)
    assert np.all(np.abs(buffers.value(second) - exact * residual) <= allowed * np.abs(residual) + 1e-6 * np.abs(exact))


@pytest.mark.parametrize("layout", ["c", "transposed", "gaps"])
def test_sum_in_place(layout: Layout) -> None:
    m, n, k = 50, 37, 29
    a, b, c = drawn((2, m, k)), drawn((2, k, n), start=1), drawn((2, m, n), start=2)
    buffers = Buffers()
    views = [buffers.add(one, layout) for one in (a, b, c)]
    terms = (Term(PRODUCT, (), "float32"), Term(LOAD, (), "float32", "full", views[2]), Term("add", (0, 1), "float32"))
    cluster = Cluster((2, m), n, terms, (Store(2, views[2]),))
    buffers.run(matmul_launches(isa(), Matmul(views[0], views[1], cluster), buffers.allocate))
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    error = np.abs(buffers.value(views[2]) - (wide_a @ wide_b + c))
    assert np.all(error <= bound(wide_a, wide_b) + 1e-6 * np.abs(c))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("layout", ["c", "transposed"])
def test_epilogue_knows_places_and_scalars(axis: int, layout: Layout) -> None:
    shape = (2, 21, 37)
    a, b = drawn((2, 21, 5), "int64"), drawn((2, 5, 37), "int64", start=1)
    rows, one = drawn((2, 21), "int64", start=2), np.array([3])
    buffers = Buffers()
    views = [buffers.add(a), buffers.add(b), buffers.add(np.zeros(shape, np.int64), layout)]
    row_view, one_view = buffers.add(rows), buffers.add(one)
    terms = (
        Term(INDEX, (), "int64", "full", None, (("axis", axis),)),
        Term(PRODUCT, (), "int64"),
        Term("multiply", (0, 1), "int64"),
        Term(LOAD, (), "int64", ROW, View(row_view.buffer, "int64", shape, (21, 1, 0), row_view.offset)),
        Term("add", (2, 3), "int64"),
        Term(LOAD, (), "int64", ONE, View(one_view.buffer, "int64", shape, (0, 0, 0), one_view.offset)),
        Term("multiply", (4, 5), "int64"),
    )
    cluster = Cluster(shape[:-1], shape[-1], terms, (Store(6, views[2]),))
    buffers.run(matmul_launches(isa(), Matmul(views[0], views[1], cluster), buffers.allocate))
    np.testing.assert_array_equal(buffers.value(views[2]), ((a @ b) * np.indices(shape)[axis] + rows[..., None]) * 3)


# ---------------------------------------------------------------------- tasks


def test_tasks_in_any_order_give_the_same_bits() -> None:
    a, b = drawn((150, 200)), drawn((200, 190), start=1)
    results = []
    for backwards in (False, True):
        buffers = Buffers()
        views = [buffers.add(a), buffers.add(b, "transposed"), buffers.add(np.zeros((150, 190), np.float32))]
        launches = matmul_launches(isa(), Matmul(views[0], views[1], plain(views[2])), buffers.allocate)
        assert launches[-1].tasks > 1
        if backwards:
            run_backwards(launches, buffers)
        else:
            buffers.run(launches)
        results.append(buffers.value(views[2]).tobytes())
    assert results[0] == results[1]


def run_backwards(launches: Sequence[Launch], buffers: Buffers) -> None:
    """Runs each launch's tasks from the last to the first."""
    import ctypes

    from dovetail_kernels_llvm.codegen.types import size_bytes
    from dovetail_kernels_llvm.runtime.engine import compile_kernels
    from dovetail_kernels_llvm.runtime.plain import FUNCTION

    addresses, alive = compile_kernels([launch.kernel.text for launch in launches])
    for launch in launches:
        words = [
            buffers.arrays[one.buffer].ctypes.data + one.offset * size_bytes(one.dtype)
            if isinstance(one, View)
            else one
            for one in launch.arguments
        ]
        arguments = (ctypes.c_int64 * len(words))(*words)
        scratch = np.zeros(launch.kernel.scratch_bytes + 64, np.uint8)
        start = scratch.ctypes.data + -scratch.ctypes.data % 64
        for task in reversed(range(launch.tasks)):
            FUNCTION(addresses[launch.kernel.text])(ctypes.addressof(arguments), task, start)
    del alive


def test_writes_are_named() -> None:
    buffers = Buffers()
    a, b, c = (buffers.add(drawn((64, 64))) for _ in range(3))
    (launch,) = matmul_launches(isa(), Matmul(a, b, plain(c)), buffers.allocate)
    assert [launch.arguments[place] for place in launch.writes] == [c]


@pytest.mark.parametrize("name", ["avx2", "sse2"])
def test_other_instruction_sets_pass_these_tests_too(name: str) -> None:
    if os.environ.get("DOVETAIL_ISA") or isa().name not in ("avx512", "avx2"):
        pytest.skip("only from the machine's best instruction set to those below")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(
        command, env={**os.environ, "DOVETAIL_ISA": name}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
