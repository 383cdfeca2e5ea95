"""Clusters that no single launch can do, cut into those that one can."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from dovetail_protocols.records import replace

from ..cluster import COLUMN, FULL, LOAD, ONE, ROW, Cluster, Store, Term
from ..kernel import View
from .reduction import accumulated
from .terms import axes_of, cone, is_reduction, only, reaches, rewritten, used_reductions

Allocate = Callable[[str, tuple[int, ...]], View]

LONG_COLUMNS = 1 << 15
"""A row that is worth the work of several tasks."""

FEW_ROWS = 8
"""Fewer rows than this don't give every thread its share."""


def groups(cluster: Cluster, allocate: Allocate) -> list[Cluster]:
    """A cluster as several that run one after the other: apart from others what has values only for each row, only for
    each column, or only one, so that no kernel computes those more than once."""
    kinds: dict[str, list[Store]] = {}
    for store in cluster.stores:
        kinds.setdefault(_kind(cluster, store), []).append(store)
    ordered = [(kind, kinds[kind]) for kind in (FULL, ROW, COLUMN, ONE) if kind in kinds]
    found = [(kind, only(cluster, stores)) for kind, stores in ordered]
    before: list[Cluster] = []
    written: set[int] = set()
    after: list[Cluster] = []
    for kind, one in found:
        # What an earlier group writes in place, a later one finds in a copy.
        stale = [place for place, term in enumerate(one.terms) if term.view is not None and term.view.buffer in written]
        if stale:
            copies = {place: _copy_of(one.terms[place].view, allocate) for place in stale}
            before += [_copying(one, place, copies[place]) for place in stale]
            terms = tuple(replace(term, view=copies.get(place, term.view)) for place, term in enumerate(one.terms))
            one = replace(one, terms=terms)
        written |= {store.view.buffer for store in one.stores}
        after.append(_narrowed(one, kind))
    return before + after


def _kind(cluster: Cluster, store: Store) -> str:
    """The space that all terms behind a store have; FULL where some element takes part."""
    spaces = {cluster.terms[place].space for place in cone(cluster, [store.term])}
    found = spaces - {ONE}
    return next(iter(found)) if len(found) == 1 else FULL if found else ONE


def _narrowed(cluster: Cluster, kind: str) -> Cluster:
    """A cluster of one kind without the axes that nothing in it has."""
    if kind == FULL:
        return cluster
    rows = cluster.rows if kind == ROW else ()
    columns = cluster.columns if kind == COLUMN else 1

    def view(view: View) -> View:
        strides = (*(view.strides[:-1] if rows else ()), view.strides[-1] if kind == COLUMN else 0)
        return replace(view, shape=(*rows, columns), strides=strides)

    return rewritten(cluster, rows, columns, view, lambda _, term: term)


def _copy_of(view: View | None, allocate: Allocate) -> View:
    """A fresh view with the same elements, broadcast as the other."""
    assert view is not None
    sizes = tuple(size if stride else 1 for size, stride in zip(view.shape, view.strides, strict=True))
    fresh = allocate(view.dtype, sizes)
    strides = tuple(own if stride else 0 for own, stride in zip(fresh.strides, view.strides, strict=True))
    return replace(fresh, shape=view.shape, strides=strides)


def _copying(cluster: Cluster, place: int, target: View) -> Cluster:
    term = cluster.terms[place]
    assert term.view is not None
    shape = tuple(size if stride else 1 for size, stride in zip(target.shape, target.strides, strict=True))
    source, target = (replace(one, shape=shape) for one in (term.view, target))
    return Cluster(shape[:-1], shape[-1], (replace(term, space=FULL, view=source),), (Store(0, target),))


# ---------------------------------------------------------------------- reductions that later terms wait for


def awaited(cluster: Cluster, tasks: int) -> list[int]:
    """The reductions whose results all tasks need before they go on. `tasks`: how many the work is worth.

    Those over columns don't count: a task has whole rows, except where rows are few and long. Nor do those over
    everything where there is one task, which has their results at its end, if nothing needs them earlier.
    """
    long = prod(cluster.rows) < min(tasks, FEW_ROWS) and cluster.columns >= LONG_COLUMNS
    early = {
        operand
        for term in cluster.terms
        for operand in term.operands
        if term.space != ONE or is_reduction(term) or tasks > 1
    }
    waiting = []
    for place in used_reductions(cluster):
        space = cluster.terms[place].space
        at_end = space == ONE and not early & set(_consequences(cluster, place))
        if (space != ROW and not at_end) or (space == ROW and long):
            waiting.append(place)
    return waiting


def _consequences(cluster: Cluster, place: int) -> list[int]:
    """A term and those that need it."""
    found = {place}
    for later, term in enumerate(cluster.terms):
        if found & set(term.operands):
            found.add(later)
    return sorted(found)


def cut(cluster: Cluster, waiting: list[int], allocate: Allocate) -> tuple[Cluster, Cluster]:
    """A cluster as two: one that computes the first of some reductions, and one that reads their results.

    Elements that both need are computed twice, which is cheaper than to write and read them.
    """
    level: list[int] = []
    for term in cluster.terms:
        level.append(max((level[operand] + (operand in waiting) for operand in term.operands), default=0))

    def is_passed(place: int) -> bool:
        return level[place] == 0 and _is_result(cluster, place)

    early = [store for store in cluster.stores if level[store.term] == 0]
    later = [store for store in cluster.stores if level[store.term] > 0]
    while True:
        inside, passed = reaches(cluster, (store.term for store in later), is_passed)
        read = {view.buffer for place in inside if (view := cluster.terms[place].view) is not None}
        # What is written in place of something that the second one reads is written there.
        moving = [store for store in early if store.view.buffer in read]
        if not moving:
            break
        later += moving
        early = [store for store in early if store not in moving]
    places = {place: _place_for(cluster, place, allocate) for place in passed}
    first = only(cluster, [*early, *(Store(place, view) for place, view in places.items())])

    def change(place: int, term: Term) -> Term:
        if place not in places:
            return term
        return Term(LOAD, (), term.dtype, term.space, places[place])

    second = rewritten(cluster, cluster.rows, cluster.columns, lambda view: view, change, later)
    return first, only(second, second.stores)


def _is_result(cluster: Cluster, place: int) -> bool:
    """Whether a term has fewer values than there are elements, and comes of a reduction."""
    term = cluster.terms[place]
    return term.space != FULL and any(is_reduction(cluster.terms[one]) for one in cone(cluster, [place]))


def _place_for(cluster: Cluster, place: int, allocate: Allocate) -> View:
    """A temporary for the values of a term, in the shape (*rows, columns)."""
    term = cluster.terms[place]
    axes = axes_of(term.space)
    rows = cluster.rows if "rows" in axes else ()
    shape = (*rows, cluster.columns) if "columns" in axes else rows
    fresh = allocate(accumulated(term.dtype), shape)
    rank = len(cluster.rows)
    strides = (*(fresh.strides[: len(rows)] if rows else (0,) * rank), fresh.strides[-1] if "columns" in axes else 0)
    return replace(fresh, shape=(*cluster.rows, cluster.columns), strides=strides)
