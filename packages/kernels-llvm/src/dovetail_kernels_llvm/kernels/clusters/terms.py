"""Questions about the terms of a cluster, and clusters made of parts of others.

Inside of this package the views of stores have the rank of those of loads, (*rows, columns), with stride 0 along axes
that the term doesn't have: `expanded` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dovetail_protocols.records import replace

from ...codegen.types import COMPUTED
from ..cluster import COLUMN, CONSTANT, FULL, INDEX, LOAD, REDUCTIONS, ROW, Cluster, Store, Term
from ..kernel import View

ROWS, COLUMNS = "rows", "columns"
"""What a value may depend on."""

AXES = {FULL: frozenset({ROWS, COLUMNS}), ROW: frozenset({ROWS}), COLUMN: frozenset({COLUMNS})}


def axes_of(space: str) -> frozenset[str]:
    """What values of a space depend on."""
    return AXES.get(space, frozenset())


def is_reduction(term: Term) -> bool:
    return term.operation in REDUCTIONS


def reduced(cluster: Cluster, place: int) -> frozenset[str]:
    """What a reduction is over: the axes that its operand has and it hasn't."""
    term = cluster.terms[place]
    return axes_of(cluster.terms[term.operands[0]].space) - axes_of(term.space)


def reaches(cluster: Cluster, wanted: Iterable[int], stop: Callable[[int], bool]) -> tuple[list[int], list[int]]:
    """The terms that computing others takes, in order, and those at which `stop` says that they are there already."""
    inside: set[int] = set()
    border: set[int] = set()
    pending = list(wanted)
    while pending:
        place = pending.pop()
        if place in inside or place in border:
            continue
        if stop(place):
            border.add(place)
        else:
            inside.add(place)
            pending += cluster.terms[place].operands
    return sorted(inside), sorted(border)


def cone(cluster: Cluster, wanted: Iterable[int]) -> list[int]:
    """All terms that computing some takes, in order."""
    return reaches(cluster, wanted, lambda place: False)[0]


def used_reductions(cluster: Cluster) -> list[int]:
    """The reductions that later terms take."""
    used = {operand for term in cluster.terms for operand in term.operands}
    return [place for place in sorted(used) if is_reduction(cluster.terms[place])]


def variation(cluster: Cluster) -> list[frozenset[str]]:
    """For each term what its values do depend on, which may be less than its space says."""
    found: list[frozenset[str]] = []
    for term in cluster.terms:
        if term.operation == LOAD:
            assert term.view is not None
            rows = {ROWS} if any(term.view.strides[:-1]) else set()
            found.append(frozenset(rows | ({COLUMNS} if term.view.strides[-1] else set())))
        elif term.operation == INDEX:
            found.append(frozenset({COLUMNS if term.attribute("axis") == len(cluster.rows) else ROWS}))
        elif is_reduction(term):
            found.append(axes_of(term.space))
        else:
            found.append(frozenset().union(*(found[operand] for operand in term.operands)))
    return found


def expanded(cluster: Cluster) -> Cluster:
    """The same cluster with the views of stores in the shape (*rows, columns)."""
    rank = len(cluster.rows)
    stores = []
    for store in cluster.stores:
        view, space = store.view, cluster.terms[store.term].space
        if len(view.shape) != rank + 1:
            strides = (*view.strides, 0) if space == ROW else (0,) * rank + (view.strides if space == COLUMN else (0,))
            view = replace(view, shape=(*cluster.rows, cluster.columns), strides=strides)
        stores.append(Store(store.term, view))
    return replace(cluster, stores=tuple(stores))


def with_casts(cluster: Cluster) -> Cluster:
    """The same cluster in which a reduction has the dtype of its operand, converted before where it hasn't."""
    terms: list[Term] = []
    moved: list[int] = []
    for term in cluster.terms:
        operands = tuple(moved[operand] for operand in term.operands)
        if is_reduction(term) and COMPUTED[terms[operands[0]].dtype] != COMPUTED[term.dtype]:
            terms.append(Term("cast", operands, term.dtype, terms[operands[0]].space))
            operands = (len(terms) - 1,)
        moved.append(len(terms))
        terms.append(replace(term, operands=operands))
    if len(terms) == len(cluster.terms):
        return cluster
    stores = tuple(Store(moved[store.term], store.view) for store in cluster.stores)
    return replace(cluster, terms=tuple(terms), stores=stores)


def compact(view: View) -> View:
    """A view without the axes along which it is broadcast: as an argument of a launch."""
    kept = [(size, stride) for size, stride in zip(view.shape, view.strides, strict=True) if stride != 0 and size != 1]
    return replace(view, shape=tuple(size for size, _ in kept), strides=tuple(stride for _, stride in kept))


def rewritten(
    cluster: Cluster,
    rows: tuple[int, ...],
    columns: int,
    view: Callable[[View], View],
    change: Callable[[int, Term], Term | None],
    stores: Iterable[Store] | None = None,
) -> Cluster:
    """A cluster over other axes: `view` brings the views to them; `change` gives a term's place and itself, perhaps
    changed, its operands as they were, or None where it becomes its first operand. Only what is needed is kept."""
    kept_stores = list(cluster.stores if stores is None else stores)
    needed = cone(cluster, [store.term for store in kept_stores])
    terms: list[Term] = []
    moved: dict[int, int] = {}
    for place in needed:
        term = change(place, cluster.terms[place])
        if term is None:
            moved[place] = moved[cluster.terms[place].operands[0]]
            continue
        moved[place] = len(terms)
        there = None if term.view is None else view(term.view)
        # A change may turn a term into one without operands, which then may be left over: see `only`.
        terms.append(replace(term, operands=tuple(moved[operand] for operand in term.operands), view=there))
    new = tuple(Store(moved[store.term], view(store.view)) for store in kept_stores)
    return Cluster(rows, columns, tuple(terms), new)


def only(cluster: Cluster, stores: Iterable[Store]) -> Cluster:
    """A cluster with some of the stores, and the terms that they need."""
    return rewritten(cluster, cluster.rows, cluster.columns, lambda view: view, lambda _, term: term, stores)


def constant(term: Term, number: float | int) -> Term:
    """A term that is a number instead, of the same dtype and space."""
    return Term(CONSTANT, (), term.dtype, term.space, None, (("value", number),))
