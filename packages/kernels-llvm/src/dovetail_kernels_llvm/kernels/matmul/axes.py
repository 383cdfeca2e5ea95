"""Bringing a product to its simplest form: batch axes merged, and the longer side where vectors run."""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import replace

from ..cluster import COLUMN, INDEX, ROW, Cluster
from ..kernel import View
from .description import Matmul


def merged(description: Matmul) -> Matmul:
    """The same product with as few batch axes as can be: axes of size 1 dropped, and neighbors that every view steps
    through evenly made one. The last may be merged into M, where `b` is broadcast over it."""
    if any(
        term.operation == INDEX and term.attribute("axis") < len(description.batch) + 1
        for term in description.epilogue.terms
    ):
        return description
    sizes = [*description.batch, description.m]
    views = description.views
    # The strides of every view along the axes of rows, axis by axis.
    steps = [
        [
            *(view.strides[axis] for view in (description.a, *views)),
            description.b.strides[axis] if axis < len(sizes) - 1 else 0,
        ]
        for axis in range(len(sizes))
    ]
    kept: list[tuple[int, list[int]]] = []
    for axis, (size, strides) in enumerate(zip(sizes, steps, strict=True)):
        last = axis == len(sizes) - 1
        if size == 1 and not (last and not kept):
            continue
        if kept and all(outer == inner * size for outer, inner in zip(kept[-1][1], strides, strict=True)):
            kept[-1] = (kept[-1][0] * size, strides)
        else:
            kept.append((size, strides))
    if any(kept[-1][1][-1:]):  # B differs along the last axis: it is a batch axis, and M is 1
        kept.append((1, [0] * len(kept[-1][1])))
    shape = tuple(size for size, _ in kept)
    batch = shape[:-1]

    def rebuilt(view: View, number: int, tail: int) -> View:
        strides = tuple(strides[number] for _, strides in kept)
        return replace(view, shape=(*shape, tail), strides=(*strides, view.strides[-1]))

    a = rebuilt(description.a, 0, description.k)
    changed = {view: rebuilt(view, number + 1, description.n) for number, view in enumerate(views)}
    b_strides = tuple(strides[-1] for _, strides in kept[:-1])
    b = replace(
        description.b, shape=(*batch, description.k, description.n), strides=(*b_strides, *description.b.strides[-2:])
    )
    return Matmul(a, b, replace(_with_views(description.epilogue, changed.__getitem__), rows=shape))


def transposed(description: Matmul) -> Matmul:
    """The same product written as (Bᵀ·Aᵀ)ᵀ: rows become columns."""
    rank = len(description.batch) + 2
    swap = {rank - 2: rank - 1, rank - 1: rank - 2}
    epilogue = _with_views(description.epilogue, _swapped)
    terms = tuple(
        replace(
            term,
            space={ROW: COLUMN, COLUMN: ROW}.get(term.space, term.space),
            attributes=(("axis", swap.get(term.attribute("axis"), term.attribute("axis"))),)
            if term.operation == INDEX
            else term.attributes,
        )
        for term in epilogue.terms
    )
    epilogue = Cluster((*description.batch, description.n), description.m, terms, epilogue.stores)
    return Matmul(_swapped(description.b), _swapped(description.a), epilogue)


def _swapped(view: View) -> View:
    *shape, rows, columns = view.shape
    *strides, down, along = view.strides
    return replace(view, shape=(*shape, columns, rows), strides=(*strides, along, down))


def _with_views(cluster: Cluster, change: Callable[[View], View]) -> Cluster:
    terms = tuple(term if term.view is None else replace(term, view=change(term.view)) for term in cluster.terms)
    stores = tuple(replace(store, view=change(store.view)) for store in cluster.stores)
    return replace(cluster, terms=terms, stores=stores)
