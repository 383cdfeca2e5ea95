"""Writes the kernel of a cluster: which part of the work a task has, its rows, and what is left at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import size_bytes
from ..cluster import COLUMN, FULL, ONE, Cluster
from ..kernel import View
from .column_sums import BLOCK_ROWS, MOST_REGISTERS, ColumnSums
from .columns import Body, Number, Stretch, held_columns, over_columns, value_of
from .memory import Memory, Place, Row
from .normal import views_of
from .passes import Passes
from .plan import Plan
from .reduction import Total
from .staging import ROW_TILES, Staging
from .terms import is_reduction
from .values import Values


class Writer:
    """Writes one kernel.

    `biases`: by number of store, whether its view begins later by the task's number ("task"), by the number of its part
    of the columns ("columns"), or by a row of columns for each part of the rows before ("rows").
    """

    def __init__(self, isa: ISA, cluster: Cluster, plan: Plan, biases: Mapping[int, str]) -> None:
        self.b = Builder(isa)
        self.cluster, self.plan, self.biases = cluster, plan, biases
        loads = views_of(cluster)[len(cluster.stores) :]
        self.memory = Memory(self.b, [*loads, *(store.view for store in cluster.stores)], down=plan.down)
        self.values = Values(self.b, cluster, plan, self.memory)
        if plan.staged:
            self.staging = Staging(self.b, self.memory, cluster.rows[-1], plan.lanes, plan.staged)

    @property
    def views(self) -> list[View]:
        """The arguments of the kernel, before the numbers of columns, all and of a task, that a flat one has."""
        return self.memory.arguments

    @property
    def scratch_bytes(self) -> int:
        return self.memory.scratch_bytes

    def write(self) -> str:
        """The text of the kernel."""
        b = self.b
        self._find_task()
        for number, bias in self.biases.items():
            by = {"task": b.task, "columns": self.column_task, "rows": self.row_task}[bias]
            elements = b.mul(by, b.index(self.plan.columns)) if bias == "rows" else by
            self.memory.moved(self.cluster.stores[number].view, elements)
        aligned = self._align() if self.plan.streamed else None
        self.values.begin()
        self._hoist()
        totals = {
            place: Total(b, term.operation, term.dtype, self._total_lanes(place))
            for place, term in enumerate(self.cluster.terms)
            if is_reduction(term) and term.space == ONE
        }
        sums = self._column_sums()
        self.passes = Passes(b, self.cluster, self.plan, self.memory, self.values, totals, sums, self.bounds, aligned)
        if sums:
            self._rows_with_sums(sums)
        else:
            self._rows(self.units[0], self.units[1])
        stores = [store for store in self.cluster.stores if self.cluster.terms[store.term].space == ONE]
        results = {place: total.scalar() for place, total in totals.items()}
        known = self.values.end(results, [store.term for store in stores])
        for store in stores:
            self.memory.store_for_row(store.view, known[store.term], self.values.everywhere)
        return b.text()

    def _total_lanes(self, place: int) -> int:
        of_elements = self.cluster.terms[self.cluster.terms[place].operands[0]].space == FULL
        return self.plan.lanes if of_elements or self.plan.down else 1

    # ------------------------------------------------------------------ the task

    def _find_task(self) -> None:
        """Which units of rows and which columns are the task's."""
        b, plan = self.b, self.plan
        count = len(self.memory.arguments)
        columns: Number = b.integer(count) if plan.flat else plan.columns
        share = b.integer(count + 1) if plan.flat else b.index(plan.columns_per_task)
        self.row_task, self.column_task = b.task, b.task
        if plan.row_tasks > 1 and plan.column_tasks > 1:
            parts = b.index(plan.column_tasks)
            self.row_task, self.column_task = b.operate("udiv", b.task, parts), b.operate("urem", b.task, parts)
        elif plan.row_tasks == 1:
            self.row_task = b.index(0)
        else:
            self.column_task = b.index(0)
        self.bounds: list[Number] = [0, columns]
        if plan.flat or plan.column_tasks > 1:
            start = b.mul(self.column_task, share)
            self.bounds = [start, b.minimum(b.add(start, share), columns)]
        self.units: list[Number] = [0, plan.units]
        if plan.row_tasks > 1:
            rows = b.index(plan.units_per_task)
            first = b.mul(self.row_task, rows)
            self.units = [first, b.minimum(b.add(first, rows), plan.units)]

    def _align(self) -> Value:
        """Whether all streamed stores lie on whole vectors. Of a flat kernel, tasks are moved so that they do."""
        b, plan = self.b, self.plan
        found = []
        shift: Value | None = None
        for number in plan.streamed:
            view = self.cluster.stores[number].view
            size = size_bytes(view.dtype)
            address = b.instruction(f"ptrtoint {self.memory.base(view)} to i64", "i64")
            if plan.flat and shift is None:
                shift = b.operate("udiv", b.operate("and", address, b.index(plan.lanes * size - 1)), b.index(size))
            if shift is not None:
                address = b.sub(address, b.mul(shift, b.index(size)))
            found.append(b.operate("and", address, b.index(plan.lanes * size - 1)))
        if shift is not None:
            self._move_task(shift)
        return self._all_zero(found)

    def _move_task(self, shift: Value) -> None:
        """Lets tasks begin a few columns earlier, and the first one with a stretch of its own up to a whole vector."""
        b = self.b
        start, stop = (value_of(b, bound) for bound in self.bounds)
        zero, end = b.index(0), b.integer(len(self.memory.arguments))
        begin = b.sub(start, shift)
        last = b.select(b.compare("eq", stop, end), end, b.sub(stop, shift))
        early = b.compare("slt", begin, zero)
        boundary = b.select(early, b.add(begin, b.index(self.plan.lanes)), begin)
        self.bounds = [b.select(early, zero, begin), b.minimum(boundary, last), last]

    def _all_zero(self, numbers: Sequence[Value]) -> Value:
        found = numbers[0]
        for number in numbers[1:]:
            found = self.b.operate("or", found, number)
        return self.b.compare("eq", found, self.b.index(0))

    def _hoist(self) -> None:
        """Computes what depends on columns alone."""
        if not self.plan.hoisted:
            return
        self.values.begin_columns(value_of(self.b, self.bounds[0]))

        def body(stretches: list[Stretch]) -> None:
            for stretch in stretches:
                self.values.hoist(stretch.column, stretch.lanes, stretch.mask)

        self._over_columns(body)

    def _over_columns(self, body: Body) -> None:
        plan, start, stop = self.plan, self.bounds[0], self.bounds[-1]
        over_columns(self.b, start, stop, body, lanes=plan.lanes, step=plan.lanes, unroll=1, masked=plan.masked)

    # ------------------------------------------------------------------ rows

    def _rows(self, start: Number, stop: Number) -> None:
        """The work on some units of rows."""
        if isinstance(start, int) and isinstance(stop, int) and stop - start == 1:
            self._unit(self.b.index(start))
            return
        with self.b.loop(start, stop) as unit:
            self._unit(unit)

    def _unit(self, unit: Value) -> None:
        b, plan = self.b, self.plan
        if plan.staged:
            self._block_of_rows(unit)
            return
        if not plan.down:
            self.passes.row(Row(self._places(unit, self.cluster.rows)))
            return
        size = self.cluster.rows[-1]
        blocks = -(-size // plan.lanes)
        outer, block = (unit, b.index(0)) if blocks == 1 else self._divided(unit, blocks)
        if len(self.cluster.rows) == 1:
            block = unit
        first = b.mul(block, b.index(plan.lanes))
        places = self._places(outer, self.cluster.rows[:-1])
        if size % plan.lanes == 0:
            self.passes.row(Row([*places, first], plan.lanes))
        elif plan.masked:
            mask = b.tail_mask(b.sub(b.index(size), first), plan.lanes)
            self.passes.row(Row([*places, first], plan.lanes, mask))
        else:
            whole = b.compare("sle", b.add(first, b.index(plan.lanes)), b.index(size))
            with b.when(whole):
                self.passes.row(Row([*places, first], plan.lanes))
            with b.loop(b.select(whole, b.index(size), first), size) as single:
                self.passes.row(Row([*places, single]))

    def _block_of_rows(self, unit: Value) -> None:
        """The work on a block of rows, for which views are transposed."""
        rows, plan = self.cluster.rows, self.plan
        size = ROW_TILES * plan.lanes
        outer, block = self._divided(unit, -(-rows[-1] // size))
        places = self._places(outer, rows[:-1])
        self.staging.block(self.passes.row, places, self.b.mul(block, self.b.index(size)), self.bounds)

    def _places(self, unit: Value, sizes: Sequence[int]) -> list[Value]:
        """The place along each axis of the row with a number."""
        found: list[Value] = []
        for number in range(len(sizes) - 1, 0, -1):
            unit, place = self._divided(unit, sizes[number])
            found.append(place)
        return [*([unit] if sizes else []), *reversed(found)]

    def _divided(self, number: Value, by: int) -> tuple[Value, Value]:
        whole = self.b.operate("udiv", number, self.b.index(by))
        return whole, self.b.sub(number, self.b.mul(whole, self.b.index(by)))

    # ------------------------------------------------------------------ reductions over rows

    def _column_sums(self) -> list[ColumnSums]:
        plan = self.plan
        terms = [place for place, term in enumerate(self.cluster.terms) if is_reduction(term) and term.space == COLUMN]
        blocked = plan.units_per_task > BLOCK_ROWS
        sums = [ColumnSums(self.b, self.memory, self.cluster, place, plan.columns_per_task, blocked) for place in terms]
        held = self._held_lanes()
        if held and len(held) * len(sums) <= MOST_REGISTERS:
            for one in sums:
                one.hold(held)
        return sums

    def _held_lanes(self) -> list[int]:
        """The lanes of each vector of a row, if rows are held in registers."""
        plan = self.plan
        if not plan.held:
            return []
        found = held_columns(self.b, plan.columns, lanes=plan.lanes, step=plan.lanes, masked=plan.masked)
        return [stretch.lanes for stretch in found]

    def _rows_with_sums(self, sums: list[ColumnSums]) -> None:
        """All rows of the task, and reductions over them."""
        b, first_column = self.b, value_of(self.b, self.bounds[0])
        for one in sums:
            one.begin(first_column)

        def clear_totals(stretches: list[Stretch]) -> None:
            for one in sums:
                one.clear_total(stretches[0].column, stretches[0].lanes)

        self._over_columns(clear_totals)
        start, stop = self.units
        if self.plan.units_per_task <= BLOCK_ROWS:
            self._block(sums, start, stop)
        else:
            with b.loop(start, stop, BLOCK_ROWS) as first:
                self._block(sums, first, b.minimum(b.add(first, b.index(BLOCK_ROWS)), value_of(b, stop)))

        def finish(stretches: list[Stretch]) -> None:
            for stretch in stretches:
                place = Place(self.values.everywhere, stretch.column, stretch.lanes, stretch.mask, stretch.single)
                for one in sums:
                    value = one.total.load(stretch.column, stretch.lanes)
                    for store in self.cluster.stores:
                        if store.term == one.term:
                            self.memory.store(store.view, value, place)

        self._over_columns(finish)

    def _block(self, sums: list[ColumnSums], start: Number, stop: Number) -> None:
        """Some rows, whose values are added one after the other, and then to the total."""
        if any(one.gathered is not None for one in sums):

            def clear(stretches: list[Stretch]) -> None:
                for one in sums:
                    one.clear(stretches[0].column, stretches[0].lanes)

            self._over_columns(clear)
        for one in sums:
            one.reset()
        self._rows(start, stop)

        def flush(stretches: list[Stretch]) -> None:
            for stretch in stretches:
                for one in sums:
                    one.flush(stretch.column, stretch.lanes, stretch.number)

        if any(one.registers for one in sums):
            plan = self.plan
            flush(held_columns(self.b, plan.columns, lanes=plan.lanes, step=plan.lanes, masked=plan.masked))
        elif any(one.gathered is not None for one in sums):
            self._over_columns(flush)
