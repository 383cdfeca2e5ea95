"""Buffers for tests of matrix products: arrays in many layouts, whose surroundings must stay as they were."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.codegen.types import size_bytes
from dovetail_kernels_llvm.kernels.cluster import PRODUCT, Cluster, Store, Term
from dovetail_kernels_llvm.kernels.kernel import Launch, View, c_strides
from dovetail_kernels_llvm.kernels.matmul import Matmul, matmul_launches
from dovetail_kernels_llvm.runtime.engine import compile_kernels
from dovetail_kernels_llvm.runtime.plain import FUNCTION

Array = np.ndarray[Any, Any]

GAP = 24
"""Elements before and after each array that nothing may write, and that must not reach a result."""

LAYOUTS: dict[str, tuple[tuple[int, ...], tuple[int, int, int], int]] = {
    "rows": ((0, 1, 2), (1, 1, 1), 1),
    "columns": ((0, 2, 1), (1, 1, 1), 1),
    "gaps between rows": ((0, 1, 2), (1, 2, 1), 1),
    "gaps between columns": ((0, 1, 2), (1, 1, 3), 1),
    "gaps between rows of columns": ((0, 2, 1), (2, 2, 1), 1),
    "reversed": ((0, 1, 2), (1, 1, 1), -1),
    "batch innermost": ((1, 2, 0), (1, 1, 1), 1),
}
"""Of each layout of (batch, rows, columns): the axes from outer to inner, the steps along each of these, and a sign."""


class Buffers:
    """Arrays as numbered buffers."""

    def __init__(self) -> None:
        self.bases: list[Array] = []
        self.arrays: list[Array] = []

    def add(self, array: Array, layout: str = "rows", dtype: str | None = None) -> View:
        """A view of a copy of an array of at most three axes in a layout."""
        order, steps, sign = LAYOUTS[layout]
        shape = (1,) * (3 - array.ndim) + array.shape
        sizes = [shape[axis] * step for axis, step in zip(order, steps, strict=True)]
        size = int(np.prod(sizes))
        base = np.full(size + 2 * GAP, _poison(array.dtype), array.dtype)
        laid = base[GAP : GAP + size].reshape(sizes)[tuple(slice(None, None, step) for step in steps)]
        laid = laid.transpose(np.argsort(order))[(slice(None, None, sign),) * 3].reshape(shape)
        assert np.shares_memory(laid, base) or laid.size == 0
        laid = laid[(0,) * (3 - array.ndim)]
        laid[...] = array
        self.bases.append(base)
        self.arrays.append(laid)
        offset = (laid.ctypes.data - base.ctypes.data) // base.itemsize
        strides = tuple(stride // base.itemsize for stride in laid.strides)
        return View(len(self.bases) - 1, dtype or str(array.dtype), array.shape, strides, offset)

    def allocate(self, dtype: str, shape: tuple[int, ...]) -> View:
        """A temporary, filled with what must not reach a result."""
        view = self.add(np.full(int(np.prod(shape)), _poison(np.dtype(dtype)), dtype))
        return View(view.buffer, dtype, shape, c_strides(shape), view.offset)

    def value(self, view: View) -> Array:
        """What an array has become."""
        return self.arrays[view.buffer]

    def run(self, launches: Sequence[Launch], *, backward: bool = False) -> None:
        """Runs launches, with tasks in their order or backward, and sees that nothing is written that mustn't be."""
        addresses, alive = compile_kernels([launch.kernel.text for launch in launches])
        for launch in launches:
            written = {launch.arguments[place] for place in launch.writes}
            kept = [base.copy() for base in self.bases]
            self._launch(launch, addresses[launch.kernel.text], backward)
            buffers = {view.buffer for view in written if isinstance(view, View)}
            for number, (base, before) in enumerate(zip(self.bases, kept, strict=True)):
                if number in buffers:
                    mask = np.ones(base.shape, bool)
                    inside = self.arrays[number]
                    strides = tuple(stride // base.itemsize for stride in inside.strides)
                    start = (inside.ctypes.data - base.ctypes.data) // base.itemsize
                    np.lib.stride_tricks.as_strided(mask[start:], inside.shape, strides)[...] = False
                    base, before = base[mask], before[mask]
                assert base.tobytes() == before.tobytes(), "written where nothing should be"
        del alive

    def _launch(self, launch: Launch, address: int, backward: bool) -> None:
        words = [
            self.bases[one.buffer].ctypes.data + one.offset * size_bytes(one.dtype) if isinstance(one, View) else one
            for one in launch.arguments
        ]
        arguments = (ctypes.c_int64 * len(words))(*words)
        scratch = np.full(launch.kernel.scratch_bytes + 192, 0xFF, np.uint8)
        start = -scratch.ctypes.data % 64
        for task in reversed(range(launch.tasks)) if backward else range(launch.tasks):
            FUNCTION(address)(ctypes.addressof(arguments), task, scratch.ctypes.data + start)
        assert np.all(scratch[start + launch.kernel.scratch_bytes :] == 0xFF), "written after the scratch memory"


def _poison(dtype: np.dtype[Any]) -> Any:
    return np.nan if dtype.kind == "f" else 77


def drawn(shape: tuple[int, ...], dtype: str = "float32", start: int = 0) -> Array:
    """Numbers that are the same each time."""
    random = np.random.default_rng([start, *shape])
    if np.dtype(dtype).kind == "f":
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0, 100, shape).astype(dtype)


def plain(view: View) -> Cluster:
    """The epilogue that stores the product."""
    return Cluster(view.shape[:-1], view.shape[-1], (Term(PRODUCT, (), view.dtype),), (Store(0, view),))


def broadcast(view: View, shape: tuple[int, ...]) -> View:
    """A view with strides 0 along axes that it hasn't, or of which it has but one place."""
    missing = len(shape) - len(view.shape)
    sizes, strides = (1,) * missing + view.shape, (0,) * missing + view.strides
    strides = tuple(0 if size != wanted else stride for size, wanted, stride in zip(sizes, shape, strides, strict=True))
    return View(view.buffer, view.dtype, shape, strides, view.offset)


def bound(a: Array, b: Array, dtype: str = "float32") -> Array:
    """How far a sum of K products may be from the exact one, twice over.

    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    return 2 * (a.shape[-1] + 2) * np.finfo(dtype).eps * (np.abs(a) @ np.abs(b)) + np.finfo(dtype).tiny


def launches_of(buffers: Buffers, a: View, b: View, epilogue: Cluster) -> list[Launch]:
    """The launches of a product, whose operands may lack batch axes."""
    batch = epilogue.rows[:-1]
    operands = [broadcast(one, (*batch, *one.shape[-2:])) for one in (a, b)]
    return matmul_launches(isa(), Matmul(*operands, epilogue), buffers.allocate)


def check_product(
    a: Array, b: Array, layouts: Sequence[str] = ("rows",) * 3, *, backward: bool = False
) -> list[Launch]:
    """Compares a product, of arrays in these layouts, with NumPy's in double precision. Gives its launches."""
    buffers = Buffers()
    shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
    views = [buffers.add(one, layout) for one, layout in zip((a, b), layouts, strict=False)]
    result = buffers.add(np.zeros(shape, a.dtype), layouts[2])
    launches = launches_of(buffers, views[0], views[1], plain(result))
    buffers.run(launches, backward=backward)
    if a.dtype.kind == "f":
        error = np.abs(buffers.value(result) - a.astype(np.float64) @ b.astype(np.float64))
        assert np.all(error <= bound(a, b, str(a.dtype)))
    else:
        np.testing.assert_array_equal(buffers.value(result), a @ b)
    return launches
