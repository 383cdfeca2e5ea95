"""The passes over the columns of a row that a cluster takes: each ends with reductions that the next one needs.

For a softmax: the largest; then exponentials and their sum; then quotients. What an earlier pass computed is computed
again where that is cheap, else kept in a row of scratch memory, or taken from where it is stored anyway.
"""

from __future__ import annotations

from collections.abc import Collection

from dovetail_protocols.records import record

from ...codegen.types import size_bytes
from ..cluster import CONSTANT, FULL, LOAD, ROW, Cluster
from .costs import EXPENSIVE, instructions
from .reduction import accumulated
from .terms import COLUMNS, is_reduction, reaches, variation

KEPT_BYTES = 1 << 19
"""Of kept rows together: they stay in the cache of a core."""


@record
class Phase:
    """One pass. `reductions`: those that gather values in it; `stores`: numbers of the stores of elements; `keeps`: the
    terms that are put into a row of scratch memory."""

    reductions: tuple[int, ...]
    stores: tuple[int, ...]
    keeps: tuple[int, ...]

    def roots(self, cluster: Cluster) -> list[int]:
        """The terms whose elements the pass needs."""
        found = [cluster.terms[place].operands[0] for place in self.reductions]
        found += [cluster.stores[number].term for number in self.stores]
        return sorted({*found, *self.keeps})


@record
class Phases:
    """The passes of a cluster. `first`: the pass from which on each term is there; `kept`: the terms in rows of scratch
    memory, in their order there; `stored`: terms that later passes take from where they are stored: number of store."""

    passes: tuple[Phase, ...]
    first: tuple[int, ...]
    kept: tuple[int, ...]
    stored: tuple[tuple[int, int], ...]

    def is_there(self, place: int, number: int) -> bool:
        """Whether a pass takes a term from an earlier one."""
        is_kept = place in self.kept or any(place == one for one, _ in self.stored)
        return is_kept and self.first[place] < number


def phases_of(cluster: Cluster, width: int) -> Phases:
    """The passes of a cluster. `width`: how many elements a kept row has; 0 where nothing is to be kept because all is
    held in registers."""
    first = _first_passes(cluster)
    element_reductions = [
        place
        for place, term in enumerate(cluster.terms)
        if is_reduction(term) and cluster.terms[term.operands[0]].space == FULL
    ]
    where = {number: first[store.term] for number, store in enumerate(cluster.stores) if _is_full(cluster, number)}
    gathered = {place: first[cluster.terms[place].operands[0]] for place in element_reductions}
    last = max((*where.values(), *gathered.values()), default=0)
    # A pass that comes later still reads what is stored in place of it.
    loaded = {term.view.buffer for term in cluster.terms if term.view is not None}
    for number in where:
        if cluster.stores[number].view.buffer in loaded:
            where[number] = last
    kept: list[int] = []
    stored: dict[int, int] = {}
    if width:
        roots: dict[int, list[int]] = {}
        for place, one in gathered.items():
            roots.setdefault(one, []).append(cluster.terms[place].operands[0])
        for number, one in where.items():
            roots.setdefault(one, []).append(cluster.stores[number].term)
        kept, stored = _kept(cluster, first, roots, where, loaded, width)
    passes = []
    for one in range(last + 1):
        passes.append(
            Phase(
                tuple(place for place in element_reductions if gathered[place] == one),
                tuple(number for number in where if where[number] == one),
                tuple(place for place in kept if first[place] == one),
            )
        )
    return Phases(tuple(passes), tuple(first), tuple(kept), tuple(stored.items()))


def _is_full(cluster: Cluster, number: int) -> bool:
    return cluster.terms[cluster.stores[number].term].space == FULL


def _first_passes(cluster: Cluster) -> list[int]:
    found: list[int] = []
    for term in cluster.terms:
        one = max((found[operand] for operand in term.operands), default=0)
        over_columns = is_reduction(term) and cluster.terms[term.operands[0]].space == FULL
        found.append(one + (over_columns and term.space == ROW))
    return found


def _kept(
    cluster: Cluster,
    first: list[int],
    roots: dict[int, list[int]],
    where: dict[int, int],
    loaded: set[int],
    width: int,
) -> tuple[list[int], dict[int, int]]:
    """The terms to keep, and those to take from where they are stored (term → store)."""
    varies = variation(cluster)
    found: set[int] = set()
    for one in sorted(roots):

        def is_old(place: int, one: int = one, found: frozenset[int] = frozenset(found)) -> bool:
            return (
                first[place] < one
                and COLUMNS in varies[place]
                and cluster.terms[place].operation not in (LOAD, CONSTANT)
                and (place in found or _is_expensive(cluster, place, found))
            )

        found |= set(reaches(cluster, roots[one], is_old)[1])
    buffers = [store.view.buffer for store in cluster.stores]
    stored: dict[int, int] = {}
    for number, one in where.items():
        term, view = cluster.stores[number].term, cluster.stores[number].view
        exact = view.dtype == accumulated(cluster.terms[term].dtype)
        alone = buffers.count(view.buffer) == 1 and view.buffer not in loaded
        if term in found and one == first[term] and exact and alone and view.strides[-1] == 1:
            stored.setdefault(term, number)
    kept = sorted(found - set(stored))
    while sum(size_bytes(accumulated(cluster.terms[place].dtype)) * width for place in kept) > KEPT_BYTES:
        kept.pop()
    return kept, stored


def _is_expensive(cluster: Cluster, place: int, found: Collection[int]) -> bool:
    """Whether computing a term from what is loaded or kept already takes long."""
    varies = variation(cluster)
    inside, _ = reaches(cluster, [place], lambda one: one in found or COLUMNS not in varies[one])
    return sum(instructions(cluster, one) for one in inside) >= EXPENSIVE
