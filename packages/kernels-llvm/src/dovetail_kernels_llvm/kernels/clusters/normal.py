"""The normal form of clusters: no empty axes, no axes of size 1, and as few axes as the views allow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from math import prod

from dovetail_protocols.records import replace

from ...codegen.types import size_bytes
from ..cluster import COLUMN, FULL, INDEX, ONE, ROW, Cluster, Term
from ..kernel import View
from .reduction import identity
from .terms import COLUMNS, ROWS, axes_of, constant, is_reduction, only, reduced, rewritten, used_reductions

CACHED_BYTES = 1 << 20
"""Data that is read again soon after it was read, whatever the order."""


def normal(cluster: Cluster) -> Cluster:
    """The same work over axes that are as simple as can be. The cluster isn't empty (see `without_empties`)."""
    cluster = _without_unit_rows(cluster)
    if cluster.columns == 1 and cluster.rows:
        cluster = _without_columns(cluster)
    if not cluster.rows:
        return _single_row(cluster)
    if _is_free(cluster):
        cluster = _ordered(_all_full(cluster), range(len(cluster.rows) + 1))
        cluster = _coalesced(cluster, len(cluster.rows))
        return _with_across_last(cluster) if cluster.rows else _single_row(cluster)
    cluster = _coalesced(_ordered(cluster, range(len(cluster.rows))), len(cluster.rows) - 1)
    return _turned(cluster) if _should_turn(cluster) else cluster


def without_empties(cluster: Cluster) -> Cluster:
    """The same cluster without axes of size 0: reductions over nothing are their identities, and what has no elements
    isn't stored."""
    empty = ({ROWS} if prod(cluster.rows) == 0 else set()) | ({COLUMNS} if cluster.columns == 0 else set())
    if not empty:
        return cluster

    def change(place: int, term: Term) -> Term:
        if is_reduction(term) and reduced(cluster, place) & empty:
            return constant(term, identity(term.operation, term.dtype))
        return term

    rows, columns = () if ROWS in empty else cluster.rows, cluster.columns or 1
    kept = [store for store in cluster.stores if not axes_of(cluster.terms[store.term].space) & empty]
    shape = (*rows, columns)

    def view(view: View) -> View:
        strides = view.strides[-1:] if ROWS in empty else view.strides
        return replace(view, shape=shape, strides=strides if cluster.columns else (*strides[:-1], 0))

    found = rewritten(cluster, rows, columns, view, change, kept)
    return only(found, found.stores)


def _is_free(cluster: Cluster) -> bool:
    """Whether nothing tells rows from columns, so that axes may take any order."""
    return all(
        term.space == ONE and reduced(cluster, place) == {ROWS, COLUMNS}
        for place, term in enumerate(cluster.terms)
        if is_reduction(term)
    )


def _all_full(cluster: Cluster) -> Cluster:
    terms = tuple(term if term.space == ONE else replace(term, space=FULL) for term in cluster.terms)
    return replace(cluster, terms=terms)


# ---------------------------------------------------------------------- axes of size 1


def _moved(cluster: Cluster, order: Sequence[int], swap: Callable[[int, Term], Term | None] | None = None) -> Cluster:
    """A cluster whose axes are those of another in an order (by number in (*rows, columns)), perhaps without some of
    size 1."""
    sizes = (*cluster.rows, cluster.columns)
    shape = tuple(sizes[axis] for axis in order)

    def view(view: View) -> View:
        return replace(view, shape=shape, strides=tuple(view.strides[axis] for axis in order))

    def change(place: int, term: Term) -> Term | None:
        if term.operation == INDEX:
            axis = term.attribute("axis")
            if axis not in order:
                return constant(term, 0)
            term = replace(term, attributes=(("axis", list(order).index(axis)),))
        return term if swap is None else swap(place, term)

    return rewritten(cluster, shape[:-1], shape[-1], view, change)


def _without_unit_rows(cluster: Cluster) -> Cluster:
    kept = [axis for axis, size in enumerate(cluster.rows) if size != 1]
    return cluster if len(kept) == len(cluster.rows) else _moved(cluster, [*kept, len(cluster.rows)])


def _without_columns(cluster: Cluster) -> Cluster:
    """Of a cluster with one column: its last axis of rows becomes the columns."""

    def change(place: int, term: Term) -> Term | None:
        if is_reduction(term) and ROWS not in reduced(cluster, place):
            return None
        return replace(term, space=FULL if ROWS in axes_of(term.space) else ONE)

    return _moved(cluster, range(len(cluster.rows)), change)


def _single_row(cluster: Cluster) -> Cluster:
    """Of a cluster without rows: all that isn't FULL is ROW."""

    def change(place: int, term: Term) -> Term | None:
        if is_reduction(term) and COLUMNS not in reduced(cluster, place):
            return None
        return replace(term, space=FULL if COLUMNS in axes_of(term.space) else ROW)

    return rewritten(cluster, (), cluster.columns, lambda view: view, change)


# ---------------------------------------------------------------------- order


def views_of(cluster: Cluster) -> list[View]:
    """What is stored and loaded, stores first."""
    loads = [term.view for term in cluster.terms if term.view is not None]
    return [*(store.view for store in cluster.stores), *loads]


def _ordered(cluster: Cluster, axes: Sequence[int]) -> Cluster:
    """Some axes (the first ones) by falling stride, in the view that has the most elements."""
    sizes = (*cluster.rows, cluster.columns)

    def elements(view: View) -> int:
        return prod(size for size, stride in zip(sizes, view.strides, strict=True) if stride)

    leading = max(views_of(cluster), key=elements, default=None)
    if leading is None:
        return cluster
    strides = leading.strides
    order = sorted(axes, key=lambda axis: -abs(strides[axis]) or -math.inf)
    rest = range(len(axes), len(sizes))
    return cluster if order == list(axes) else _moved(cluster, [*order, *rest])


def _with_across_last(cluster: Cluster) -> Cluster:
    """A cluster whose last axis of rows is the one along which loads lie that don't lie along columns (see staging)."""
    rank = len(cluster.rows)
    for term in cluster.terms:
        if term.view is not None and term.view.strides[-1] not in (0, 1) and 1 in term.view.strides[:-1]:
            axis = term.view.strides.index(1)
            return _moved(cluster, [*(one for one in range(rank) if one != axis), axis, rank])
    return cluster


def _coalesced(cluster: Cluster, last: int) -> Cluster:
    """Neighboring axes, up to the one numbered `last`, made one where all views allow it."""
    named = {term.attribute("axis") for term in cluster.terms if term.operation == INDEX}
    sizes = (*cluster.rows, cluster.columns)
    views = views_of(cluster)
    groups: list[list[int]] = []
    for axis in range(len(sizes)):
        previous = axis - 1
        even = all(view.strides[previous] == view.strides[axis] * sizes[axis] for view in views)
        if even and 0 < axis <= last and not {previous, axis} & named:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    if len(groups) == len(sizes):
        return cluster
    shape = tuple(prod(sizes[axis] for axis in group) for group in groups)

    def view(view: View) -> View:
        return replace(view, shape=shape, strides=tuple(view.strides[group[-1]] for group in groups))

    def change(_: int, term: Term) -> Term:
        if term.operation != INDEX:
            return term
        axis = next(place for place, group in enumerate(groups) if term.attribute("axis") in group)
        return replace(term, attributes=(("axis", axis),))

    return rewritten(cluster, shape[:-1], shape[-1], view, change)


# ---------------------------------------------------------------------- which of two axes is the inner one


def lies_along(cluster: Cluster, axis: int) -> float:
    """The bytes of the views that vary along all axes and whose neighbors along an axis are neighbors in memory."""
    found = 0.0
    for view in views_of(cluster):
        if view.strides[axis] == 1 and view.strides[-1] and any(view.strides[:-1]):
            found += size_bytes(view.dtype)
    return found


def prefers_rows(cluster: Cluster) -> bool:
    """Whether neighbors in memory are neighbors along the last axis of rows, rather than along columns."""
    rank = len(cluster.rows)
    return rank > 0 and lies_along(cluster, rank - 1) > lies_along(cluster, rank)


def _should_turn(cluster: Cluster) -> bool:
    """Whether a cluster of two axes had better call its rows columns.

    Kernels go along what is contiguous, with rows that are vectors or columns that are. A reduction over the axis that
    isn't contiguous is one over columns (ROW) where what it needs stays in the cache, so that terms after it can be in
    the same kernel; one over rows (COLUMN) where much data is better read in the order in which it lies.
    """
    if len(cluster.rows) != 1:
        return False
    spaces = {term.space for term in cluster.terms if is_reduction(term)}
    along_rows, along_columns = COLUMN in spaces, ROW in spaces
    rows, columns = cluster.rows[0], cluster.columns
    if along_rows and along_columns:
        return prefers_rows(cluster)
    turned = prefers_rows(cluster)
    reduced_size, kept_size = (columns, rows) if along_columns else (rows, columns)
    many = reduced_size * kept_size * 4 > CACHED_BYTES
    scarce = kept_size < 128 and reduced_size * kept_size > 1 << 14
    small = not scarce and (bool(used_reductions(cluster)) or not many or reduced_size <= 64)
    return turned and not small if along_columns else turned or small


def _turned(cluster: Cluster) -> Cluster:
    spaces = {ROW: COLUMN, COLUMN: ROW}

    def change(_: int, term: Term) -> Term:
        return replace(term, space=spaces.get(term.space, term.space))

    return _moved(cluster, (1, 0), change)
