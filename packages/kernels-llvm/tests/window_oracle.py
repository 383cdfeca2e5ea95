"""What tests of convolutions and pools share: guarded buffers, and what kernels give, by plain loops over windows."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from dovetail_kernels_llvm.codegen.types import size_bytes
from dovetail_kernels_llvm.kernels.kernel import Launch, View
from dovetail_kernels_llvm.runtime.engine import compile_kernels
from dovetail_kernels_llvm.runtime.plain import FUNCTION
from dovetail_protocols.operations.windows import WindowGrid

Array = np.ndarray[Any, Any]
Place = tuple[int, ...]

GAP = 40
"""Elements before and after each array that nothing may write, and that must not reach a result."""

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
COMPUTED = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-23, "bfloat16": 2.0**-23}
"""The spacing of numbers above 1 in memory, and in the sums."""

LAYOUTS = ("c", "gaps", "reversed", "channels first")


class Buffers:
    """Arrays as numbered buffers, laid out in several ways, with guards around them."""

    def __init__(self) -> None:
        self.bases: dict[int, Array] = {}
        self.arrays: dict[int, Array] = {}
        self.given: dict[int, Array] = {}

    def add(self, array: Array, dtype: str | None = None, layout: str = "c") -> View:
        """A view of a copy of an array (of bits, for bfloat16)."""
        view = self.empty(dtype or str(array.dtype), array.shape, layout)
        self.arrays[view.buffer][...] = self.given[view.buffer] = array
        return view

    def empty(self, dtype: str, shape: tuple[int, ...], layout: str = "c") -> View:
        """A view of memory that holds nothing yet."""
        stored = np.dtype("uint16" if dtype == "bfloat16" else dtype)
        order = [*range(len(shape))]
        if layout == "channels first":
            order = [0, len(shape) - 1, *range(1, len(shape) - 1)]
        gap = 2 if layout == "gaps" else 1
        sizes = [shape[axis] * gap for axis in order]
        count = int(np.prod(sizes, dtype=int))
        base = np.full(count + 2 * GAP, _poison(stored), stored)
        laid = base[GAP : GAP + count].reshape(sizes)[tuple(slice(None, None, gap) for _ in sizes)]
        laid = laid.transpose(np.argsort(order))
        if layout == "reversed":
            laid = laid[tuple(slice(None, None, -1) for _ in shape)]
        number = len(self.bases)
        self.bases[number], self.arrays[number] = base, laid
        offset = (laid.ctypes.data - base.ctypes.data) // base.itemsize if laid.size else GAP
        return View(number, dtype, shape, tuple(stride // base.itemsize for stride in laid.strides), offset)

    def run(self, launches: Sequence[Launch], *, backwards: bool = False) -> None:
        """Runs launches, and sees that they change nothing but the arrays that weren't given. The memory of the thread
        is full of NaN before. `backwards`: the last task first."""
        addresses, alive = compile_kernels([launch.kernel.text for launch in launches])
        for launch in launches:
            views = [argument for argument in launch.arguments if isinstance(argument, View)]
            assert len(views) == len(launch.arguments)
            words = [self.bases[view.buffer].ctypes.data + view.offset * size_bytes(view.dtype) for view in views]
            arguments = (ctypes.c_int64 * len(words))(*words)
            scratch = np.full(launch.kernel.scratch_bytes + 128, 0xFF, np.uint8)
            start = scratch.ctypes.data + -scratch.ctypes.data % 64
            stop = start - scratch.ctypes.data + launch.kernel.scratch_bytes
            tasks = range(launch.tasks)
            for task in reversed(tasks) if backwards else tasks:
                FUNCTION(addresses[launch.kernel.text])(ctypes.addressof(arguments), task, start)
            assert (scratch[stop:] == 0xFF).all(), "written beyond the memory of the thread"
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
    return np.nan if dtype.kind == "f" else 0x7F


def widened(array: Array, dtype: str) -> Array:
    """Numbers in double precision."""
    if dtype == "bfloat16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float64)


def drawn(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Normal numbers; bfloat16 as its bits."""
    numbers = random.standard_normal(shape)
    if dtype == "bfloat16":
        return (numbers.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return numbers.astype(dtype)


def taps(grid: WindowGrid, sizes: Place) -> Iterator[tuple[Place, Place, Place]]:
    """(window, tap, element) for all taps that lie inside an image of these spatial sizes."""
    for window in product(*map(range, grid.output)):
        for tap in product(*map(range, grid.window)):
            at = tuple(
                q * s + t * d - low
                for q, s, t, d, (low, _) in zip(window, grid.strides, tap, grid.dilation, grid.padding, strict=True)
            )
            if all(0 <= one < size for one, size in zip(at, sizes, strict=True)):
                yield window, tap, at


def _by_group(filters_shape: Place, groups: int) -> list[tuple[slice, slice]]:
    """The channels of the input and of the result in each group."""
    channels, columns = filters_shape[-2], filters_shape[-1] // groups
    return [(slice(g * channels, (g + 1) * channels), slice(g * columns, (g + 1) * columns)) for g in range(groups)]


def conv(x: Array, filters: Array, grid: WindowGrid, groups: int) -> Array:
    result = np.zeros((len(x), *grid.output, filters.shape[-1]))
    for window, tap, at in taps(grid, x.shape[1:-1]):
        for inner, outer in _by_group(filters.shape, groups):
            result[(slice(None), *window, outer)] += x[(slice(None), *at, inner)] @ filters[tap][:, outer]
    return result


def input_gradient(cotangent: Array, filters: Array, grid: WindowGrid, sizes: Place, groups: int) -> Array:
    result = np.zeros((len(cotangent), *sizes, filters.shape[-2] * groups))
    for window, tap, at in taps(grid, sizes):
        for inner, outer in _by_group(filters.shape, groups):
            given = cotangent[(slice(None), *window, outer)]
            result[(slice(None), *at, inner)] += given @ filters[tap][:, outer].T
    return result


def filter_gradient(x: Array, cotangent: Array, grid: WindowGrid, groups: int) -> Array:
    shape = (*grid.window, x.shape[-1] // groups, cotangent.shape[-1])
    result = np.zeros(shape)
    for window, tap, at in taps(grid, x.shape[1:-1]):
        for inner, outer in _by_group(shape, groups):
            given = cotangent[(slice(None), *window, outer)]
            result[tap][:, outer] += x[(slice(None), *at, inner)].T @ given
    return result


def elements(grid: WindowGrid, sizes: Place) -> dict[Place, list[Place]]:
    """The elements of each window that lie in an image, in row-major order."""
    found: dict[Place, list[Place]] = {window: [] for window in product(*map(range, grid.output))}
    for window, _, at in taps(grid, sizes):
        found[window].append(at)
    return found
