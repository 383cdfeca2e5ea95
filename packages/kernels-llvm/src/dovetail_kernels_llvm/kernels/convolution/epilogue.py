"""What is done with the pixels of a tile once they are computed: the terms of a cluster, and their stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...codegen.builder import Builder, Value
from ...codegen.types import STORED, vector
from ...elementwise import from_memory, to_memory
from ..cluster import COLUMN, FULL, INDEX, LOAD, ONE, PRODUCT, REDUCTIONS, Cluster, Store, Term, evaluate
from ..kernel import View
from .indices import Index, minus, plus, value, weighted

Product = Callable[[int], Value]


def plain(result: View) -> Cluster:
    """The epilogue that only stores: `result` is (*pixels, channels)."""
    product = Term(PRODUCT, (), result.dtype)
    return Cluster(result.shape[:-1], result.shape[-1], (product,), (Store(0, result),))


def is_possible(cluster: Cluster) -> bool:
    """Whether a cluster can be the epilogue of a convolution: one without reductions, which stores all elements."""
    kept = all(cluster.terms[store.term].space == FULL for store in cluster.stores)
    return kept and not any(term.operation in REDUCTIONS for term in cluster.terms)


def views_of(cluster: Cluster) -> tuple[View, ...]:
    """The arguments of the kernel that are the epilogue's: what it loads, then what it stores."""
    loads = [term.view for term in cluster.terms if term.view is not None]
    return (*loads, *(store.view for store in cluster.stores))


def effort(cluster: Cluster) -> int:
    """How many instructions, roughly, an element takes."""
    return sum(term.operation not in (PRODUCT, LOAD) for term in cluster.terms) + len(views_of(cluster))


class Epilogue:
    """Writes a cluster's code for the vectors of a tile, which begins at the pixel `origin` and at `column`."""

    def __init__(self, b: Builder, cluster: Cluster, first: int) -> None:
        """`first`: the number of the kernel's argument where the epilogue's begin."""
        assert is_possible(cluster)
        self._b, self._cluster = b, cluster
        self._pointers = [b.pointer(first + place) for place in range(len(views_of(cluster)))]

    def begin(self, origin: Sequence[Index], column: Index, lanes: int, counts: Sequence[Index | None]) -> None:
        """Sets where the tile begins. `counts`: for each of its vectors how many columns it has, where not `lanes`."""
        b = self._b
        self._origin, self._column, self._lanes, self._counts = origin, column, lanes, counts
        self._masks = [None if count is None else b.tail_mask(value(b, count), lanes) for count in counts]
        self._bases: list[Value] = []
        for pointer, view in zip(self._pointers, views_of(self._cluster), strict=True):
            strides = _strides(view, len(origin))
            place = weighted(b, (*origin, column), strides)
            self._bases.append(b.offset(pointer, place, STORED[view.dtype]))
        self._loads = [place for place, term in enumerate(self._cluster.terms) if term.operation == LOAD]
        # What is loaded once for a column or for all elements is loaded before the pixels.
        self._outer: list[dict[int, Value]] = []
        still = (0,) * len(origin)
        for number in range(len(counts)):
            known: dict[int, Value] = {}
            for place in self._loads:
                if self._cluster.terms[place].space in (COLUMN, ONE):
                    known[place] = self._load(place, self._cluster.terms[place], still, number)
            self._outer.append(known)

    def pixel(self, offsets: Sequence[Index], product: Product) -> None:
        """Computes and stores a pixel's vectors. `offsets`: its place in the tile, from `origin`; `product(v)`: what
        was computed for the v-th vector."""
        b = self._b
        for number in range(len(self._counts)):
            known = dict(self._outer[number])
            for place, term in enumerate(self._cluster.terms):
                if term.operation == PRODUCT:
                    known[place] = product(number)
                elif term.operation == INDEX:
                    known[place] = self._index(term.attribute("axis"), offsets, number)

            def load(place: int, term: Term, number: int = number) -> Value:
                return self._load(place, term, offsets, number)

            wanted = [store.term for store in self._cluster.stores]
            evaluate(b, self._cluster, wanted, known, load, self._lanes)
            for place, store in enumerate(self._cluster.stores, start=len(self._loads)):
                self._store(place, store, known[store.term], offsets, number)

    def _index(self, axis: int, offsets: Sequence[Index], number: int) -> Value:
        b, lanes = self._b, self._lanes
        if axis < len(offsets):
            return b.splat(value(b, plus(b, self._origin[axis], offsets[axis])), lanes)
        first = b.splat(value(b, plus(b, self._column, number * lanes)), lanes)
        return b.add(first, b.lane_numbers("i64", lanes))

    def _place(self, argument: int, view: View, offsets: Sequence[Index], number: int) -> Value:
        place = weighted(self._b, (*offsets, number * self._lanes), _strides(view, len(offsets)))
        return self._b.offset(self._bases[argument], place, STORED[view.dtype])

    def _load(self, place: int, term: Term, offsets: Sequence[Index], number: int) -> Value:
        b, lanes, view, mask = self._b, self._lanes, term.view, self._masks[number]
        assert view is not None
        stride = _strides(view, len(offsets))[-1]
        pointer = self._place(self._loads.index(place), view, offsets, number)
        element = STORED[view.dtype]
        if stride == 0 or lanes == 1:
            return b.splat(from_memory(b, view.dtype, b.load(element, pointer)), lanes)
        type_ = vector(element, lanes)
        if stride == 1:
            stored = b.load(type_, pointer) if mask is None else b.masked_load(type_, pointer, mask)
        else:
            numbers = b.lane_numbers("i64", lanes)
            stored = b.gather(type_, pointer, b.mul(numbers, b.constant(numbers.type, stride)), mask)
        return from_memory(b, view.dtype, stored)

    def _store(self, argument: int, store: Store, computed: Value, offsets: Sequence[Index], number: int) -> None:
        b, lanes, view, mask = self._b, self._lanes, store.view, self._masks[number]
        pointer = self._place(argument, view, offsets, number)
        stored = to_memory(b, view.dtype, computed)
        stride = _strides(view, len(offsets))[-1]
        if stride == 1 or lanes == 1:
            if mask is None:
                b.store(stored, pointer)
            else:
                b.masked_store(stored, pointer, mask)
        else:
            self._scatter(stored, pointer, stride, self._counts[number])

    def _scatter(self, stored: Value, pointer: Value, stride: int, count: Index | None) -> None:
        b = self._b
        for lane in range(stored.lanes if not isinstance(count, int) else min(count, stored.lanes)):
            place = b.offset(pointer, lane * stride, stored.element)
            if isinstance(count, Value):
                with b.when(b.compare("sgt", count, b.index(lane))):
                    b.store(b.extract(stored, lane), place)
            else:
                b.store(b.extract(stored, lane), place)


def vector_counts(b: Builder, columns: Index, vectors: int, lanes: int) -> list[Index | None]:
    """How many columns each vector of a tile has, of `columns` that are left; None where it is full."""
    counts: list[Index | None] = []
    for number in range(vectors):
        if isinstance(columns, int):
            rest = columns - number * lanes
            counts.append(None if rest >= lanes else max(rest, 0))
        else:
            counts.append(minus(b, columns, number * lanes))
    return counts


def _strides(view: View, rank: int) -> tuple[int, ...]:
    """Strides of (*pixels, column), for views of a term in any space."""
    if len(view.strides) == rank + 1:
        return view.strides
    if len(view.strides) == rank:
        return (*view.strides, 0)
    return (0,) * (rank + 1)
