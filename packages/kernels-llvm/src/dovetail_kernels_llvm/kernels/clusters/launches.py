"""From a cluster to launches."""

from __future__ import annotations

from dovetail_protocols.records import replace

from ...codegen.isa import ISA
from ..cluster import COLUMN, FULL, LOAD, ONE, ROW, Cluster, Store, Term
from ..kernel import Kernel, Launch, View
from .costs import flops, moved_bytes
from .fusing import fused
from .names import described
from .normal import normal, without_empties
from .plan import Plan, plan, tasks_for
from .reduction import accumulated
from .stages import Allocate, awaited, cut, groups
from .terms import compact, expanded, is_reduction, with_casts
from .writer import Writer


def cluster_launches(isa: ISA, cluster: Cluster, allocate: Allocate) -> list[Launch]:
    """The launches that compute a cluster, one after the other.

    Deterministic: which task does what, and the order in which values are added, depend on the cluster and `isa` only.
    """
    found: list[Launch] = []
    temporaries: set[int] = set()

    def temporary(dtype: str, shape: tuple[int, ...]) -> View:
        view = allocate(dtype, shape)
        temporaries.add(view.buffer)
        return view

    pending = groups(without_empties(expanded(with_casts(cluster))), temporary)
    while pending:
        one, *pending = pending
        if not one.stores:
            continue
        one = normal(one)
        waiting = awaited(one, tasks_for(isa, one))
        if waiting:
            parts = cut(one, waiting, temporary)
            pending = [group for part in parts for group in groups(part, temporary)] + pending
            continue
        launch, rest = _launched(isa, one, temporary)
        found.append(launch)
        pending = fused(rest, pending, temporaries)
    return found


def _launched(isa: ISA, cluster: Cluster, allocate: Allocate) -> tuple[Launch, list[Cluster]]:
    """The launch of a cluster in normal form, and the clusters that bring the results of its tasks together."""
    chosen = plan(isa, cluster)
    parted, biases, rest = _parted(cluster, chosen, allocate)
    writer = Writer(isa, parted, chosen, biases)
    text = writer.write()
    views = writer.views
    written = {compact(store.view) for store in parted.stores}
    kernel = Kernel(text, described(cluster, sized=not chosen.flat), writer.scratch_bytes)
    numbers = (chosen.columns, chosen.columns_per_task) if chosen.flat else ()
    launch = Launch(
        kernel,
        (*views, *numbers),
        tuple(place for place, view in enumerate(views) if view in written),
        chosen.row_tasks * chosen.column_tasks,
        flops(cluster),
        moved_bytes(cluster),
    )
    return launch, rest


def _parted(cluster: Cluster, chosen: Plan, allocate: Allocate) -> tuple[Cluster, dict[int, str], list[Cluster]]:
    """A cluster whose reductions over parts of the work go to temporaries, by which of them a task begins where in them
    (see Writer), and the clusters that bring those parts together."""
    parts = {ROW: chosen.column_tasks, COLUMN: chosen.row_tasks, ONE: chosen.row_tasks * chosen.column_tasks}
    by = {ROW: "columns", COLUMN: "rows", ONE: "task"}
    stores: list[Store] = []
    biases: dict[int, str] = {}
    places: dict[int, View] = {}
    targets: dict[str, list[Store]] = {}
    for store in cluster.stores:
        term = cluster.terms[store.term]
        if term.space == FULL or not is_reduction(term) or parts[term.space] == 1:
            stores.append(store)
            continue
        if store.term not in places:
            places[store.term] = _partial(cluster, term, parts[term.space], allocate)
            biases[len(stores)] = by[term.space]
            stores.append(Store(store.term, _first_part(cluster, term, places[store.term])))
        targets.setdefault(term.space, []).append(store)
    rest = [_together(cluster, space, places, wanted) for space, wanted in targets.items()]
    return replace(cluster, stores=tuple(stores)), biases, rest


def _partial(cluster: Cluster, term: Term, parts: int, allocate: Allocate) -> View:
    """A temporary for partial results: (*rows, parts), (parts, columns) or (parts,)."""
    shape = {ROW: (*cluster.rows, parts), COLUMN: (parts, cluster.columns), ONE: (parts,)}[term.space]
    return allocate(accumulated(term.dtype), shape)


def _first_part(cluster: Cluster, term: Term, fresh: View) -> View:
    """Where in a temporary the first task puts its results, in the shape (*rows, columns)."""
    rank = len(cluster.rows)
    rows = fresh.strides[:rank] if term.space == ROW else (0,) * rank
    columns = fresh.strides[-1] if term.space == COLUMN else 0
    return replace(fresh, shape=(*cluster.rows, cluster.columns), strides=(*rows, columns))


def _together(cluster: Cluster, space: str, places: dict[int, View], targets: list[Store]) -> Cluster:
    """The cluster that brings partial results of one space together, for stores of the whole cluster."""
    terms: list[Term] = []
    stores = []
    moved: dict[int, int] = {}
    *rows, columns = shape = places[targets[0].term].shape
    for store in targets:
        if store.term not in moved:
            term = cluster.terms[store.term]
            terms.append(Term(LOAD, (), term.dtype, FULL, places[store.term]))
            moved[store.term] = len(terms)
            terms.append(Term(term.operation, (len(terms) - 1,), term.dtype, COLUMN if space == COLUMN else ROW))
        strides = store.view.strides
        strides = (0, strides[-1]) if space == COLUMN else (*strides[: len(rows)], 0)
        stores.append(Store(moved[store.term], replace(store.view, shape=shape, strides=strides)))
    return Cluster(tuple(rows), columns, tuple(terms), tuple(stores))
