"""What clusters compute, by NumPy in double precision; buffers whose surroundings must stay; and drawn clusters."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.cluster import (
    COLUMN,
    CONSTANT,
    FULL,
    INDEX,
    LOAD,
    ONE,
    ROW,
    Cluster,
    Store,
    Term,
)
from dovetail_kernels_llvm.kernels.clusters import cluster_launches
from dovetail_kernels_llvm.kernels.kernel import Launch, View, c_strides
from dovetail_kernels_llvm.runtime.engine import compile_kernels
from dovetail_kernels_llvm.runtime.plain import FUNCTION
from dovetail_protocols.records import replace

NUMPY = {"bfloat16": np.dtype(np.uint16)}
MARGIN = 96
"""Elements around each buffer."""


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    return NUMPY.get(dtype) or np.dtype(dtype)


def to_double(dtype: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Elements as they lie in memory, as numbers: floating ones in double precision."""
    if dtype == "bfloat16":
        return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def from_double(dtype: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Numbers as they lie in memory (bfloat16 by cutting, which is exact for those that tests draw)."""
    if dtype == "bfloat16":
        return (np.asarray(array, np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return np.asarray(array).astype(numpy_dtype(dtype))


class Buffers:
    """Buffers by number, each with a margin of bytes on both sides that nobody may touch."""

    def __init__(self) -> None:
        self.whole: list[np.ndarray[Any, Any]] = []
        self.dtypes: list[str] = []

    def allocate(self, dtype: str, shape: tuple[int, ...]) -> View:
        """A fresh temporary, filled with what must not matter."""
        size = max(prod(shape), 1)
        bytes_ = np.full((size + 2 * MARGIN) * numpy_dtype(dtype).itemsize + 64, 0xA5, np.uint8)
        shift = -(bytes_.ctypes.data + MARGIN * numpy_dtype(dtype).itemsize) % 64
        count = (size + 2 * MARGIN) * numpy_dtype(dtype).itemsize
        whole = bytes_[shift : shift + count].view(numpy_dtype(dtype))
        self.whole.append(whole)
        self.dtypes.append(dtype)
        return View(len(self.whole) - 1, dtype, shape, c_strides(shape), MARGIN)

    def add(self, dtype: str, shape: tuple[int, ...], strides: Sequence[int], numbers: Any = None) -> View:
        """A view with these strides into a buffer of its own. `numbers`: what its elements are (flat, cyclic)."""
        reach = [(size - 1) * stride for size, stride in zip(shape, strides, strict=True) if size > 0]
        low = sum(one for one in reach if one < 0)
        high = sum(one for one in reach if one > 0)
        view = self.allocate(dtype, (high - low + 1,))
        if numbers is not None:
            whole = self.whole[view.buffer][MARGIN : MARGIN + high - low + 1]
            whole[:] = from_double(dtype, np.resize(np.asarray(numbers), high - low + 1))
        return View(view.buffer, dtype, shape, tuple(strides), MARGIN - low)

    def array(self, view: View) -> np.ndarray[Any, Any]:
        """The elements of a view, as they lie in memory."""
        whole = self.whole[view.buffer]
        strides = tuple(stride * whole.itemsize for stride in view.strides)
        return np.lib.stride_tricks.as_strided(whole[view.offset :], view.shape, strides)

    def run(self, launches: Iterable[Launch], *, backward: bool = False) -> None:
        """Runs launches, with the tasks of each forward or backward."""
        launches = list(launches)
        addresses, alive = compile_kernels([launch.kernel.text for launch in launches])
        for launch in launches:
            words = [
                self.whole[one.buffer].ctypes.data + one.offset * self.whole[one.buffer].itemsize
                if isinstance(one, View)
                else one
                for one in launch.arguments
            ]
            arguments = (ctypes.c_int64 * max(len(words), 1))(*words)
            scratch = np.full(launch.kernel.scratch_bytes + 192, 0x5A, np.uint8)
            shift = -scratch.ctypes.data % 64
            order = range(launch.tasks)
            for task in reversed(order) if backward else order:
                FUNCTION(addresses[launch.kernel.text])(ctypes.addressof(arguments), task, scratch.ctypes.data + shift)
            assert (scratch[shift + launch.kernel.scratch_bytes :] == 0x5A).all(), "scratch memory overflows"
        del alive


OPERATIONS: Mapping[str, Any] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "where": np.where,
    "equal": np.equal,
    "less": np.less,
    "logical_not": np.logical_not,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
REDUCING: Mapping[str, Any] = {
    "sum": np.sum,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "any": np.any,
    "all": np.all,
}


Array: TypeAlias = np.ndarray[Any, Any]


def expected(cluster: Cluster, buffers: Buffers) -> list[tuple[Array, Array]]:
    """What each store must find, in the shape of its view, and how large the numbers were that it comes of: rounding
    errors are relative to that."""
    shape, rank = (*cluster.rows, cluster.columns), len(cluster.rows)
    spaces = {FULL: shape, ROW: (*cluster.rows, 1), COLUMN: (*(1,) * rank, cluster.columns), ONE: (1,) * (rank + 1)}
    values: list[Array] = []
    sizes: list[Array] = []
    with np.errstate(all="ignore"):
        for term in cluster.terms:
            value = _value(cluster, term, values, buffers, spaces)
            values.append(value)
            sizes.append(_magnitude(cluster, term, value, sizes, spaces))
    found = []
    for store in cluster.stores:
        kept = spaces[cluster.terms[store.term].space]
        found.append(tuple(np.broadcast_to(one[store.term], kept).reshape(store.view.shape) for one in (values, sizes)))
    return found


def _magnitude(cluster: Cluster, term: Term, value: Array, sizes: list[Array], spaces: Mapping[str, Any]) -> Array:
    if value.dtype.kind != "f":
        return np.zeros_like(value, np.float64)
    operands = [sizes[operand] for operand in term.operands]
    if term.operation in ("add", "subtract"):
        return operands[0] + operands[1]
    if term.operation == "multiply":
        return operands[0] * operands[1]
    if term.operation == "sum":
        operand = np.broadcast_to(operands[0], spaces[cluster.terms[term.operands[0]].space])
        return np.sum(operand, axis=_reduced_axes(cluster, term, operand, spaces), keepdims=True)
    if term.operation in ("max", "min"):
        operand = np.broadcast_to(operands[0], spaces[cluster.terms[term.operands[0]].space])
        return np.max(operand, axis=_reduced_axes(cluster, term, operand, spaces), keepdims=True, initial=0)
    return np.maximum(np.abs(value), *[one for one in operands if one.any()][:1] or [0])


def _value(cluster: Cluster, term: Term, values: list[Array], buffers: Buffers, spaces: Mapping[str, Any]) -> Array:
    if term.operation == LOAD:
        assert term.view is not None
        return to_double(term.dtype, buffers.array(replace(term.view, shape=spaces[term.space])).copy())
    if term.operation == CONSTANT:
        return np.full(spaces[ONE], to_double(term.dtype, from_double(term.dtype, term.attribute("value"))))
    if term.operation == INDEX:
        axis = term.attribute("axis")
        shape = (*cluster.rows, cluster.columns)
        ones = [1] * len(shape)
        ones[axis] = shape[axis]
        return np.arange(shape[axis], dtype=np.int64).reshape(ones)
    operands = [values[operand] for operand in term.operands]
    if term.operation not in REDUCING:
        return np.asarray(OPERATIONS[term.operation](*operands))
    operand = np.broadcast_to(operands[0], spaces[cluster.terms[term.operands[0]].space])
    wraps = operand.dtype.kind in "biu" and term.operation in ("sum", "prod")
    options: dict[str, Any] = {"dtype": term.dtype} if wraps else {}
    axes = _reduced_axes(cluster, term, operand, spaces)
    return np.asarray(REDUCING[term.operation](operand, axis=axes, keepdims=True, **options))


def _reduced_axes(cluster: Cluster, term: Term, operand: Array, spaces: Mapping[str, Any]) -> tuple[int, ...]:
    """The axes that a reduction is over. Of size 1 they may be too many: that changes nothing."""
    rank = len(cluster.rows)
    over = {ROW: range(rank, rank + 1), COLUMN: range(rank), ONE: range(rank + 1)}[term.space]
    return tuple(over)


def run_and_check(cluster: Cluster, buffers: Buffers, *, tolerance: float = 2e-5) -> list[Launch]:
    """Runs a cluster twice, with tasks in both orders: right, to the bit the same, and nothing else is written.

    `tolerance`: relative to the numbers that go into each result.
    """
    wanted = expected(cluster, buffers)
    before = [whole.copy() for whole in buffers.whole]
    count = len(buffers.whole)
    launches = cluster_launches(isa(), cluster, buffers.allocate)
    buffers.run(launches)
    first = [buffers.array(store.view).copy() for store in cluster.stores]
    untouched = [whole.copy() for whole in before]
    for number, whole in enumerate(untouched):
        alive, buffers.whole[number] = buffers.whole[number], whole
        for store, value in zip(cluster.stores, first, strict=True):
            if store.view.buffer == number:
                buffers.array(store.view)[...] = value
        buffers.whole[number] = alive
        assert np.array_equal(alive.view(np.uint8), whole.view(np.uint8)), "something else is written"
        alive[:] = before[number]
    for number in range(count, len(buffers.whole)):
        margin = buffers.whole[number].view(np.uint8)
        bytes_ = MARGIN * buffers.whole[number].itemsize
        assert (margin[:bytes_] == 0xA5).all(), "a temporary is written before its start"
        assert (margin[-bytes_:] == 0xA5).all(), "a temporary is written beyond its end"
    buffers.run(launches, backward=True)
    for store, value, (right, size) in zip(cluster.stores, first, wanted, strict=True):
        again = buffers.array(store.view)
        assert again.tobytes() == value.tobytes(), "two runs differ"
        assert_close(to_double(store.view.dtype, value), right, size, tolerance)
    return launches


def assert_close(found: Array, right: Array, size: Array, tolerance: float) -> None:
    if found.dtype.kind != "f":
        np.testing.assert_array_equal(found, right)
        return
    finite = np.isfinite(right)
    np.testing.assert_array_equal(found[~finite], right[~finite])
    error = np.abs(found[finite] - right[finite])
    size = np.where(np.isfinite(size), size, np.abs(right))
    allowed = tolerance * np.maximum(size[finite], 1e-4)
    assert (error <= allowed).all(), f"off by {(error / allowed).max()} of what is allowed, at most {error.max()}"


class Making:
    """Builds a cluster term by term."""

    def __init__(self, rows: tuple[int, ...], columns: int) -> None:
        self.rows, self.columns = rows, columns
        self.buffers = Buffers()
        self.terms: list[Term] = []
        self.stores: list[Store] = []
        self.random = np.random.default_rng(7)

    def _add(self, term: Term) -> int:
        self.terms.append(term)
        return len(self.terms) - 1

    def shape(self, space: str) -> tuple[int, ...]:
        return {FULL: (*self.rows, self.columns), ROW: self.rows, COLUMN: (self.columns,), ONE: ()}[space]

    def numbers(self, dtype: str, size: int) -> np.ndarray[Any, Any]:
        """Random numbers that all dtypes of their kind hold exactly."""
        if dtype == "bool":
            return self.random.integers(0, 2, size).astype(np.bool_)
        if "int" in dtype:
            return self.random.integers(0 if dtype[0] == "u" else -9, 10, size)
        return self.random.integers(-128, 129, size) / 64

    def load(
        self, space: str = FULL, dtype: str = "float32", strides: Sequence[int] | None = None, numbers: Any = None
    ) -> int:
        """A load of a fresh buffer; `strides` of (*rows, columns), else contiguous."""
        shape, rank = (*self.rows, self.columns), len(self.rows)
        if strides is None:
            own = c_strides(self.shape(space))
            strides = {
                FULL: own,
                ROW: (*own, 0),
                COLUMN: (*(0,) * rank, *own),
                ONE: (0,) * (rank + 1),
            }[space]
        if numbers is None:
            numbers = self.numbers(dtype, max(2 * prod(shape), 1))
        view = self.buffers.add(dtype, shape, strides, numbers)
        return self._add(Term(LOAD, (), dtype, space, view))

    def constant(self, value: Any, dtype: str = "float32") -> int:
        return self._add(Term(CONSTANT, (), dtype, ONE, None, (("value", value),)))

    def index(self, axis: int, space: str) -> int:
        return self._add(Term(INDEX, (), "int64", space, None, (("axis", axis),)))

    def apply(self, operation: str, *operands: int, dtype: str | None = None, space: str | None = None) -> int:
        """An elementwise operation, of the narrowest space that its operands allow."""
        spaces = {self.terms[operand].space for operand in operands} - {ONE}
        found = FULL if len(spaces) > 1 else next(iter(spaces), ONE)
        return self._add(Term(operation, operands, dtype or self.terms[operands[-1]].dtype, space or found))

    def reduce(self, operation: str, operand: int, space: str, *, dtype: str | None = None) -> int:
        return self._add(Term(operation, (operand,), dtype or self.terms[operand].dtype, space))

    def store(self, term: int, strides: Sequence[int] | None = None, view: View | None = None) -> View:
        """Stores a term into a fresh buffer; `strides` of its own shape, else contiguous; or into a view."""
        shape = self.shape(self.terms[term].space)
        if view is None:
            view = self.buffers.add(self.terms[term].dtype, shape, c_strides(shape) if strides is None else strides)
        self.stores.append(Store(term, view))
        return view

    def cluster(self) -> Cluster:
        return Cluster(self.rows, self.columns, tuple(self.terms), tuple(self.stores))

    def check(self, *, tolerance: float = 2e-5) -> list[Launch]:
        return run_and_check(self.cluster(), self.buffers, tolerance=tolerance)


def drawn_strides(draw: Any, shape: tuple[int, ...], *, broadcast: bool) -> tuple[int, ...]:
    """Strides of a view whose axes lie in any order, with gaps, some of them backward, and perhaps broadcast."""
    order = draw(st.one_of(st.just(range(len(shape))), st.permutations(range(len(shape)))))
    strides, step = [0] * len(shape), draw(st.sampled_from([1, 1, 1, 2]))
    for axis in reversed(order):
        if broadcast and draw(st.integers(0, 5)) == 0:
            continue
        strides[axis] = step * draw(st.sampled_from([1, 1, 1, -1]))
        step *= max(shape[axis], 1) + draw(st.sampled_from([0, 0, 0, 1]))
    return tuple(strides)


ROWS = st.lists(st.sampled_from([0, 1, 2, 3, 5, 7, 16, 17, 33, 65]), max_size=3).filter(lambda rows: prod(rows) <= 400)
COLUMN_COUNTS = st.sampled_from([0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 97, 130, 300])


@st.composite
def made_clusters(draw: Any, dtype: str = "float32") -> Making:
    """Clusters of sums, products, maxima and reductions over any spaces, views with any strides."""
    making = Making(tuple(draw(ROWS)), draw(COLUMN_COUNTS))
    shape, rank = (*making.rows, making.columns), len(making.rows)
    empty = prod(shape) == 0
    for _ in range(draw(st.integers(1, 3))):
        space = draw(st.sampled_from([FULL, FULL, FULL, ROW, COLUMN, ONE]))
        strides = list(drawn_strides(draw, shape, broadcast=space == FULL))
        if space in (ROW, ONE):
            strides[-1] = 0
        if space in (COLUMN, ONE):
            strides[:-1] = [0] * rank
        making.load(space, dtype, strides)
    if draw(st.booleans()):
        making.constant(3 if "int" in dtype else 0.5, dtype)
    reducing = ["sum", "sum", "max", "min"] if not empty else ["sum"]
    for _ in range(draw(st.integers(1, 7))):
        operands = [draw(st.integers(0, len(making.terms) - 1)) for _ in range(2)]
        space = making.terms[operands[0]].space
        if draw(st.integers(0, 2)) or space in (ONE, COLUMN):
            making.apply(draw(st.sampled_from(["add", "subtract", "multiply", "maximum"])), *operands)
        else:
            target = draw(st.sampled_from([ROW, ROW, COLUMN, ONE] if space == FULL else [ONE]))
            reduction = making.reduce(draw(st.sampled_from(reducing)), operands[0], target)
            if dtype in ("float16", "bfloat16", "float32", "float64"):
                # Means, so that numbers stay small.
                making.apply("multiply", reduction, making.constant(1 / max(prod(shape), 1), dtype))
    last = len(making.terms) - 1
    for term in sorted({last, *draw(st.lists(st.integers(0, last), max_size=3))}):
        if making.terms[term].operation != CONSTANT:
            space = making.terms[term].space
            target = draw(st.sampled_from([None, *places_of_loads(making, space)]))
            making.store(term, drawn_strides(draw, making.shape(space), broadcast=False), target)
    return making


def places_of_loads(making: Making, space: str) -> list[View]:
    """Views of loads of a space that may be stored in place: each element is read once, and nothing else is stored."""
    rank, found = len(making.rows), []
    for term in making.terms:
        view = term.view
        if view is None or term.space != space or any(store.view.buffer == view.buffer for store in making.stores):
            continue
        kept = {FULL: slice(None), ROW: slice(0, rank), COLUMN: slice(rank, None), ONE: slice(0, 0)}[space]
        shape, strides = view.shape[kept], view.strides[kept]
        if all(stride or size == 1 for size, stride in zip(shape, strides, strict=True)):
            found.append(replace(view, shape=shape, strides=strides))
    return found
