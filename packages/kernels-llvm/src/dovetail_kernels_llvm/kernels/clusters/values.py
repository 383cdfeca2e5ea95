"""Values of terms where they are needed: once for a task, once for a row, for a vector of elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...codegen.builder import Builder, Value
from ..cluster import CONSTANT, INDEX, Cluster, Term, evaluate
from .memory import Memory, Place, Row
from .plan import Plan
from .terms import COLUMNS, cone, is_reduction, reaches, variation


class Values:
    """Writes the computation of a cluster's terms. Terms that depend on nothing are computed once, those that depend on
    rows alone once for each unit of rows, and taken from there by the others."""

    def __init__(self, b: Builder, cluster: Cluster, plan: Plan, memory: Memory) -> None:
        self.b, self.cluster, self.plan, self.memory = b, cluster, plan, memory
        self.varies = variation(cluster)
        width = plan.columns * (plan.lanes if plan.down else 1)
        self.kept = {place: memory.region(cluster.terms[place].dtype, width) for place in plan.phases.kept}
        self.hoisted = {
            place: memory.region(cluster.terms[place].dtype, plan.columns_per_task) for place in plan.hoisted
        }
        self.stored = dict(plan.phases.stored)
        self.everywhere = Row([b.index(0) for _ in cluster.rows])

    def begin(self) -> None:
        """Computes what depends on nothing."""
        self.memory.find(self.everywhere)
        needed = {store.term for store in self.cluster.stores}
        for term in self.cluster.terms:
            needed |= set(term.operands)
        single = [place for place in sorted(needed) if self._is_single(place)]
        self._evaluate(single, self.everywhere.known, self.everywhere)

    def end(self, results: Mapping[int, Value], wanted: list[int]) -> dict[int, Value]:
        """Computes what depends on results of reductions over everything."""
        known = {**self.everywhere.known, **results}
        self._evaluate(wanted, known, self.everywhere)
        return known

    def begin_columns(self, first_column: Value) -> None:
        """Lets rows of scratch memory begin with the task's first column."""
        for region in self.hoisted.values():
            region.begin(first_column)

    def hoist(self, column: Value, lanes: int, mask: Value | None) -> None:
        """Computes what depends on columns alone, for some columns."""
        known = self.elements(Place(self.everywhere, column, lanes, mask), list(self.hoisted), 0, hoisting=True)
        for place, region in self.hoisted.items():
            region.store(known[place], column)

    def _is_single(self, place: int) -> bool:
        if self.varies[place] or self.cluster.terms[place].operation == CONSTANT:
            return False
        return not any(is_reduction(self.cluster.terms[one]) for one in cone(self.cluster, [place]))

    def _is_for_row(self, place: int) -> bool:
        return COLUMNS not in self.varies[place] and self.cluster.terms[place].operation != CONSTANT

    # ------------------------------------------------------------------ rows

    def for_row(self, row: Row, wanted: Iterable[int]) -> None:
        """Computes terms for a unit of rows, into what is known of it."""
        wanted = [place for place in wanted if place not in row.known]
        _, singles = reaches(self.cluster, wanted, lambda place: place in row.known or self._is_single(place))
        for place in singles:
            if place not in row.known:
                row.known[place] = self.b.splat(self.everywhere.known[place], row.lanes)
        self._evaluate(wanted, row.known, row)

    def _evaluate(self, wanted: list[int], known: dict[int, Value], row: Row) -> None:
        inside, _ = reaches(self.cluster, wanted, lambda place: place in known)
        for place in inside:
            if self.cluster.terms[place].operation == INDEX:
                known[place] = self._row_index(self.cluster.terms[place], row)

        def load(_: int, term: Term) -> Value:
            assert term.view is not None
            return self.memory.load_for_row(term.view, row)

        evaluate(self.b, self.cluster, wanted, known, load, row.lanes)

    def _row_index(self, term: Term, row: Row) -> Value:
        axis = term.attribute("axis")
        first = self.b.splat(row.indices[axis], row.lanes)
        if self.plan.down and axis == len(self.cluster.rows) - 1:
            return self.b.add(first, self.b.lane_numbers("i64", row.lanes))
        return first

    # ------------------------------------------------------------------ elements

    def needed_of_row(self, roots: Iterable[int], number: int) -> list[int]:
        """The terms of rows that elements of others need in a pass."""
        _, border = reaches(self.cluster, roots, lambda place: self._is_border(place, number))
        return [place for place in border if self._is_for_row(place)]

    def _is_border(self, place: int, number: int) -> bool:
        if self._is_for_row(place) or place in self.hoisted:
            return True
        return self.plan.phases.is_there(place, number)

    def elements(
        self,
        place: Place,
        roots: Iterable[int],
        number: int,
        known: dict[int, Value] | None = None,
        *,
        hoisting: bool = False,
    ) -> dict[int, Value]:
        """Computes terms for some elements in a pass; what is known of them already is given or nothing."""
        found: dict[int, Value] = {} if known is None else known
        roots = list(roots)

        def stop(one: int) -> bool:
            return one in found or (not hoisting and self._is_border(one, number)) or self._is_for_row(one)

        inside, border = reaches(self.cluster, roots, stop)
        for one in border:
            if one not in found:
                found[one] = self._from_before(one, place)
        for one in inside:
            if self.cluster.terms[one].operation == INDEX:
                found[one] = self._column_index(place)

        def load(_: int, term: Term) -> Value:
            assert term.view is not None
            return self.memory.load(term.view, place)

        evaluate(self.b, self.cluster, roots, found, load, place.lanes)
        return found

    def _from_before(self, one: int, place: Place) -> Value:
        """A value that was computed outside of the loop or in an earlier pass."""
        if self._is_for_row(one):
            value = place.row.known.get(one) or self.everywhere.known[one]
            return value if value.lanes == place.lanes else self.b.splat(value, place.lanes)
        if one in self.hoisted:
            return self.hoisted[one].load(place.column, place.lanes)
        if one in self.stored:
            return self.memory.load(self.cluster.stores[self.stored[one]].view, place)
        return self.kept[one].load(self.kept_index(place), place.lanes)

    def kept_index(self, place: Place) -> Value:
        """Where a kept row has the values of some elements."""
        return self.b.mul(place.column, self.b.index(self.plan.lanes)) if self.plan.down else place.column

    def keep(self, one: int, value: Value, place: Place) -> None:
        """Puts values into the kept row of a term."""
        self.kept[one].store(value, self.kept_index(place))

    def _column_index(self, place: Place) -> Value:
        first = self.b.splat(place.column, place.lanes)
        return first if self.plan.down else self.b.add(first, self.b.lane_numbers("i64", place.lanes))
