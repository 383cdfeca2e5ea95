"""What takes the results of a reduction right where the parts of them are brought together: one launch less."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dovetail_protocols.records import replace

from ..cluster import COLUMN, INDEX, LOAD, ONE, ROW, Cluster, Store
from ..kernel import View
from .terms import is_reduction, only


def fused(togethers: Sequence[Cluster], pending: Sequence[Cluster], temporaries: Collection[int]) -> list[Cluster]:
    """What is to be done after a launch: first the clusters that bring its parts together, then others, some of which
    become part of those. `temporaries`: the buffers that nothing but these clusters reads."""
    done: list[Cluster] = []
    rest = list(pending)
    for together in togethers:
        for group in list(rest):
            place = next(number for number, one in enumerate(rest) if one is group)
            joined = _joined(together, group) if _may_come_first(group, rest[:place]) else None
            if joined is not None:
                together = joined
                del rest[place]
        done.append(_without_unread(together, [*rest, *togethers], temporaries))
    return done + rest


def _may_come_first(group: Cluster, others: Sequence[Cluster]) -> bool:
    """Whether a cluster may run before others that were to run first."""
    reads, writes = _loaded(group), _stored(group)
    return not any(_stored(other) & (reads | writes) or _loaded(other) & writes for other in others)


def _loaded(cluster: Cluster) -> set[int]:
    return {term.view.buffer for term in cluster.terms if term.view is not None}


def _stored(cluster: Cluster) -> set[int]:
    return {store.view.buffer for store in cluster.stores}


def _joined(together: Cluster, group: Cluster) -> Cluster | None:
    """One cluster that does the work of two, if the second has values where the first has results and takes some."""
    by_column = any(term.space == COLUMN for term in together.terms)
    axes = list(range(len(together.rows), len(together.rows) + 1)) if by_column else list(range(len(together.rows)))
    sizes = (*together.rows, together.columns)
    own = [axis for axis, size in enumerate((*group.rows, group.columns)) if size != 1]
    if [(*group.rows, group.columns)[axis] for axis in own] != [sizes[axis] for axis in axes]:
        return None
    if any(is_reduction(term) or term.operation == INDEX for term in group.terms):
        return None

    def moved(view: View) -> View:
        strides = [0] * len(sizes)
        for axis, there in zip(own, axes, strict=True):
            strides[there] = view.strides[axis]
        return replace(view, shape=sizes, strides=tuple(strides))

    results = {store.view: store.term for store in together.stores}
    terms = list(together.terms)
    places: list[int] = []
    took = False
    for term in group.terms:
        view = None if term.view is None else moved(term.view)
        if view is not None and view in results:
            places.append(results[view])
            took = True
            continue
        if view is not None and view.buffer in _stored(together):
            return None
        varies = view is None or any(view.strides)
        space = ONE if term.operation == LOAD and not varies else COLUMN if by_column else ROW
        operands = tuple(places[operand] for operand in term.operands)
        places.append(len(terms))
        terms.append(replace(term, operands=operands, space=space, view=view))
    if not took:
        return None
    stores = [Store(places[store.term], moved(store.view)) for store in group.stores]
    return replace(together, terms=tuple(terms), stores=(*together.stores, *stores))


def _without_unread(together: Cluster, others: Sequence[Cluster], temporaries: Collection[int]) -> Cluster:
    """A cluster without its stores to temporaries that were read only by what became part of it."""
    read = set().union(*(_loaded(other) for other in others))
    kept = [store for store in together.stores if store.view.buffer not in temporaries or store.view.buffer in read]
    return only(together, kept)
