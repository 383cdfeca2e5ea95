"""What becomes of the product: the epilogue's terms and stores, for one vector of elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, STORED
from ..cluster import CONSTANT, INDEX, LOAD, PRODUCT, Cluster, Term, evaluate
from ..kernel import View
from .description import Matmul
from .elements import read, write
from .numbers import Number, at


@record
class Place:
    """Where a vector lies: the places along the batch axes, its row, its first column, and how many lanes are there."""

    batch: Sequence[Number]
    row: Number
    column: Number
    valid: int


CHEAP = frozenset({"add", "subtract", "multiply", "negative", "maximum", "minimum", "where", "abs", "square", "cast"})
"""Operations of an instruction or a few."""


def effort(cluster: Cluster) -> int:
    """About how many instructions a cluster has for a vector, or many where nobody knows."""
    numbers = {LOAD: 1, CONSTANT: 0, INDEX: 2, PRODUCT: 0}
    terms = sum(
        numbers.get(term.operation, 3 if term.operation in CHEAP or term.dtype == "bool" else 25)
        for term in cluster.terms
    )
    scattered = sum(8 for store in cluster.stores if store.view.strides[-1] != 1)
    return terms + len(cluster.stores) + scattered


def finish(b: Builder, d: Matmul, place: Place, pointers: Mapping[View, Value], product: Value) -> None:
    """Computes and stores what the epilogue asks of a vector of the product. `pointers`: of each view, at the batch."""
    cluster, lanes = d.epilogue, product.lanes

    def pointer(view: View) -> Value:
        down, along = view.strides[-2:]
        return at(b, pointers[view], STORED[view.dtype], (place.row, down), (place.column, along))

    def load(_: int, term: Term) -> Value:
        assert term.view is not None, term
        return read(b, term.dtype, pointer(term.view), term.view.strides[-1], lanes, place.valid)

    known: dict[int, Value] = {}
    for number, term in enumerate(cluster.terms):
        if term.operation == PRODUCT:
            known[number] = b.convert("trunc", product, COMPUTED[term.dtype])
        elif term.operation == INDEX:
            known[number] = _index(b, place, term.attribute("axis"), lanes)
    evaluate(b, cluster, [store.term for store in cluster.stores], known, load, lanes)
    for store in cluster.stores:
        dtype = cluster.terms[store.term].dtype
        write(b, dtype, pointer(store.view), store.view.strides[-1], known[store.term], place.valid)


def _index(b: Builder, place: Place, axis: int, lanes: int) -> Value:
    """The place along an axis of (*batch, M, N)."""
    axes = [*place.batch, place.row, place.column]
    number = axes[axis]
    start = b.splat(b.index(number) if isinstance(number, int) else number, lanes)
    last = axis == len(axes) - 1
    return b.add(start, b.lane_numbers("i64", lanes)) if last else start
