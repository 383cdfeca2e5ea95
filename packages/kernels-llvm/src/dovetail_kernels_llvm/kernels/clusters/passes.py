"""The passes over the columns of one unit of rows, and what is stored of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...codegen.builder import Builder, Value
from ..cluster import COLUMN, ONE, ROW, Cluster
from .column_sums import ColumnSums
from .columns import Number, Stretch, held_columns, over_columns, value_of
from .memory import Memory, Place, Row
from .phases import Phase
from .plan import Plan
from .reduction import Accumulator, Total, horizontal, neutral, pairwise
from .values import Values

BLOCK_COLUMNS = 1 << 12
"""Columns that are added one after the other (in several vectors); the sums of such blocks are added in double."""


class Passes:
    """Writes the work on one unit of rows.

    `totals`: of reductions over all elements or all rows; `sums`: of reductions over rows; `bounds`: the task's
    columns; `aligned`: the condition under which streamed stores may be, or None.
    """

    def __init__(
        self,
        b: Builder,
        cluster: Cluster,
        plan: Plan,
        memory: Memory,
        values: Values,
        totals: Mapping[int, Total],
        sums: Sequence[ColumnSums],
        bounds: Sequence[Number],
        aligned: Value | None,
    ) -> None:
        self.b, self.cluster, self.plan, self.memory, self.values = b, cluster, plan, memory, values
        self.totals, self.sums, self.bounds, self.aligned = totals, sums, bounds, aligned

    def row(self, row: Row, bounds: Sequence[Number] | None = None) -> None:
        """Writes all the work on a unit of rows, in the task's columns or in others."""
        whole = self.bounds
        self.bounds = bounds or whole
        self._row(row)
        self.bounds = whole

    def _row(self, row: Row) -> None:
        self.memory.find(row)
        held: list[tuple[Place, Stretch, dict[int, Value]]] = []
        if self.plan.held:
            held = [(self._place(row, stretch), stretch, {}) for stretch in self._held(row)]
        for number, phase in enumerate(self.plan.phases.passes):
            self.values.for_row(row, self.values.needed_of_row(phase.roots(self.cluster), number))
            if self.plan.held:
                self._held_pass(row, number, phase, held)
            else:
                self._looping_pass(row, number, phase)
        self._finish(row)

    def _held(self, row: Row) -> list[Stretch]:
        plan = self.plan
        return held_columns(
            self.b, plan.columns, lanes=row.lanes if plan.down else plan.lanes, step=plan.step, masked=plan.masked
        )

    def _place(self, row: Row, stretch: Stretch) -> Place:
        if self.plan.down:
            return Place(row, stretch.column, row.lanes, row.mask)
        return Place(row, stretch.column, stretch.lanes, stretch.mask, stretch.single)

    # ------------------------------------------------------------------ passes

    def _held_pass(
        self, row: Row, number: int, phase: Phase, held: list[tuple[Place, Stretch, dict[int, Value]]]
    ) -> None:
        roots = phase.roots(self.cluster)
        for place, _, known in held:
            self.values.elements(place, roots, number, known)
        for reduction in self._gathered(phase):
            operand = self.cluster.terms[reduction].operands[0]
            self._give(row, reduction, self._together(reduction, [(place, known[operand]) for place, _, known in held]))
        self._write(phase, held)

    def _together(self, reduction: int, parts: list[tuple[Place, Value]]) -> Value:
        """One vector of several values: those of vectors, then those of single elements in its first lane."""
        b, term = self.b, self.cluster.terms[reduction]
        values: list[Value] = []
        singles: list[Value] = []
        for place, value in parts:
            if place.mask is not None and self._is_masked(reduction):
                value = b.select(place.mask, value, neutral(b, term.operation, term.dtype, place.lanes))
            (values if self.plan.down or place.lanes == self.plan.lanes else singles).append(value)
        if singles:
            single = pairwise(b, term.operation, term.dtype, singles)
            values.append(b.insert(neutral(b, term.operation, term.dtype, self.plan.lanes), single, 0))
        return pairwise(b, term.operation, term.dtype, values)

    def _looping_pass(self, row: Row, number: int, phase: Phase) -> None:
        b, plan = self.b, self.plan
        lanes = row.lanes if plan.down else plan.lanes
        tail = not plan.down and not plan.masked
        roots, unroll = phase.roots(self.cluster), plan.unrolls[number]
        gathered = self._gathered(phase)
        terms = {place: self.cluster.terms[place] for place in gathered}
        accumulators = {
            place: Accumulator(b, term.operation, term.dtype, lanes, unroll, tail=tail) for place, term in terms.items()
        }

        def body(stretches: list[Stretch]) -> None:
            work = []
            for stretch in stretches:
                place = self._place(row, stretch)
                work.append((place, stretch, self.values.elements(place, roots, number)))
            for place, stretch, known in work:
                for reduction, accumulator in accumulators.items():
                    mask = place.mask if self._is_masked(reduction) else None
                    accumulator.take(stretch.number, known[terms[reduction].operands[0]], mask)
            self._write(phase, work)

        def columns(start: Number, stop: Number) -> None:
            over_columns(b, start, stop, body, lanes=lanes, step=plan.step, unroll=unroll, masked=plan.masked)

        if not self._is_long(gathered):
            self._segments(columns)
            for place, accumulator in accumulators.items():
                self._give(row, place, accumulator.result())
            return
        totals = {
            place: self.totals[place] if term.space == ONE else Total(b, term.operation, term.dtype, lanes)
            for place, term in terms.items()
        }
        block = b.index(BLOCK_COLUMNS // lanes * plan.step)

        def blocks(start: Number, stop: Number) -> None:
            with b.loop(start, stop, block) as first:
                columns(first, b.minimum(b.add(first, block), stop))
                for place, accumulator in accumulators.items():
                    totals[place].take(accumulator.result())
                    accumulator.reset()

        self._segments(blocks)
        for place, term in terms.items():
            if term.space == ROW:
                row.known[place] = totals[place].vector() if plan.down else totals[place].scalar()

    def _gathered(self, phase: Phase) -> list[int]:
        """The reductions of a pass whose results are one value a row, or one alone."""
        return [place for place in phase.reductions if self.cluster.terms[place].space != COLUMN]

    def _is_masked(self, reduction: int) -> bool:
        """Whether lanes that a mask leaves out would get into a result: not where lanes are rows that don't exist."""
        return not self.plan.down or self.cluster.terms[reduction].space == ONE

    def _is_long(self, gathered: list[int]) -> bool:
        """Whether sums over so many columns are made block by block."""
        plan = self.plan
        return bool(gathered) and (plan.flat or plan.columns_per_task > BLOCK_COLUMNS // plan.lanes * plan.step)

    def _segments(self, run: Callable[[Number, Number], None]) -> None:
        """Writes what runs over the task's columns, twice where the first ones lie otherwise than the rest."""
        b = self.b
        if len(self.bounds) == 2:
            run(*self.bounds)
            return
        start, boundary, stop = (value_of(b, bound) for bound in self.bounds)
        with b.loop(0, 2) as part:
            is_first = b.compare("eq", part, b.index(0))
            run(b.select(is_first, start, boundary), b.select(is_first, boundary, stop))

    def _give(self, row: Row, reduction: int, value: Value) -> None:
        """Takes the result of a reduction over the columns of a row."""
        term = self.cluster.terms[reduction]
        if term.space == ONE:
            self.totals[reduction].take(value)
        else:
            row.known[reduction] = value if self.plan.down else horizontal(self.b, term.operation, term.dtype, value)

    def _write(self, phase: Phase, work: list[tuple[Place, Stretch, dict[int, Value]]]) -> None:
        """What a pass leaves of some elements: sums over rows, kept rows, stores."""
        for place, stretch, known in work:
            for one in self.sums:
                if one.term in phase.reductions:
                    one.take(place, stretch.number, known[one.operand])
            for kept in phase.keeps:
                self.values.keep(kept, known[kept], place)
        for place, _, known in work:
            for number in phase.stores:
                store = self.cluster.stores[number]
                aligned = self.aligned if number in self.plan.streamed else None
                self.memory.store(store.view, known[store.term], place, aligned)

    def _finish(self, row: Row) -> None:
        """Stores the values of a unit of rows, and adds them to what is over all rows."""
        b = self.b
        rows = [store for store in self.cluster.stores if self.cluster.terms[store.term].space == ROW]
        over_rows = [
            place for place in self.totals if self.cluster.terms[self.cluster.terms[place].operands[0]].space == ROW
        ]
        wanted = [store.term for store in rows] + [self.cluster.terms[place].operands[0] for place in over_rows]
        self.values.for_row(row, wanted)
        for place in over_rows:
            term = self.cluster.terms[place]
            value = row.known[term.operands[0]]
            if row.mask is not None:
                value = b.select(row.mask, value, neutral(b, term.operation, term.dtype, row.lanes))
            self.totals[place].take(value)
        for store in rows:
            self.memory.store_for_row(store.view, row.known[store.term], row)
