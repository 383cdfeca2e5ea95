"""The code of one task: a block of the product, panel by panel and tile by tile."""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value, Variable
from ...codegen.isa import ISA
from ...codegen.types import SIZES, STORED
from ..kernel import Kernel, View
from .copying import copy_panel, copy_rows
from .description import Matmul
from .elements import first_lanes
from .epilogue import Place, finish
from .numbers import Number, at, each, greater, minus, places, plus, smaller, times, when_equal
from .tile import Source, add_products, zeros
from .tiling import BY_TASK, IN_PLACE, Tiling


@record
class Memory:
    """The scratch memory of a task, in elements: where the copies of A and B and the sums lie, and their sizes."""

    a_strides: tuple[int, int]
    b_at: int
    panel_elements: int
    sums_at: int
    block_rows: int
    end: int


def lay_out(d: Matmul, t: Tiling) -> Memory:
    """The scratch memory that a tiling needs."""
    line = 64 // SIZES[t.element]
    block_rows = t.row_blocks.largest * t.rows.largest
    depth = t.depths.largest
    a_size, a_strides = 0, (0, 0)
    if t.a == BY_TASK:
        by_depth = d.a.strides[-2] == 1
        width = _up(block_rows if by_depth else depth, line) + line
        a_strides = (1, width) if by_depth else (width, 1)
        a_size = _up(width * (depth if by_depth else block_rows), line)
    panel = t.padded(depth) * t.width
    sums_at = a_size + (t.column_blocks.largest * panel if t.b == BY_TASK else 0)
    kept = t.column_blocks.largest if t.depths.count > 1 else 1
    end = sums_at + (0 if d.is_plain else kept * block_rows * t.width)
    return Memory(a_strides, a_size, panel, sums_at, block_rows, end)


def write_kernel(isa: ISA, d: Matmul, t: Tiling, what: str) -> Kernel:
    """The kernel whose tasks are the blocks of a tiling. Its arguments: A, B, and the views of the epilogue in order.
    Where B is copied by a launch, it is that copy: (*batch, panels, K, width)."""
    return _Writer(isa, d, t).kernel(what)


class _Writer:
    """What the parts of a task's code share while it is written."""

    def __init__(self, isa: ISA, d: Matmul, t: Tiling) -> None:
        self.b, self.d, self.t = Builder(isa), d, t
        self.memory = lay_out(d, t)
        self.pointers = [self.b.pointer(place) for place in range(2 + len(d.views))]
        self.a = self.b_ = self.pointers[0]
        self.views: dict[View, Value] = {}
        self.axes: list[Number] = []
        self.first_row: Number = 0
        self.first_panel: Number = 0

    def kernel(self, what: str) -> Kernel:
        b, t = self.b, self.t
        batch_part, row_part, column_part = places(
            b, b.task if t.tasks > 1 else 0, (t.batch_blocks.count, t.row_blocks.count, t.column_blocks.count)
        )
        tiles = t.row_blocks.bounds(b, row_part)
        panels = t.column_blocks.bounds(b, column_part)
        self.first_row, self.first_panel = t.rows.start(b, tiles[0]), panels[0]
        with each(b, *t.batch_blocks.bounds(b, batch_part)) as batch:
            self._at_batch(batch)
            with each(b, 0, t.depths.count) as depth:
                self._block(depth, tiles, panels)
        return Kernel(b.text(), what, self.memory.end * SIZES[t.element])

    def _at_batch(self, batch: Number) -> None:
        b, d = self.b, self.d
        self.axes = places(b, batch, d.batch)

        def moved(pointer: Value, view: View) -> Value:
            return at(b, pointer, STORED[view.dtype], *zip(self.axes, view.strides[:-2], strict=True))

        self.a = moved(self.pointers[0], d.a)
        self.b_ = moved(self.pointers[1], d.b)
        self.views = {view: moved(pointer, view) for pointer, view in zip(self.pointers[2:], d.views, strict=True)}

    # ------------------------------------------------------------------ blocks

    def _block(self, depth: Number, tiles: tuple[Number, Number], panels: tuple[Number, Number]) -> None:
        """All tiles of the task, for one block of K."""
        b, t = self.b, self.t
        start, stop = t.depths.bounds(b, depth)
        count = minus(b, stop, start) if t.depths.count > 1 else self.d.k
        end_row = t.rows.start(b, tiles[1])
        self._copy(start, count, minus(b, end_row, self.first_row), panels)
        full = smaller(b, panels[1], t.panels)
        with each(b, panels[0], full) as panel:
            self._panel(panel, t.vectors, t.lanes, depth, (start, count), tiles, end_row)
        if t.tail_vectors:
            with when_equal(b, panels[1], t.all_panels):
                valid = self.d.n - (t.panels * t.vectors + t.tail_vectors - 1) * t.lanes
                self._panel(t.panels, t.tail_vectors, valid, depth, (start, count), tiles, end_row)

    def _copy(self, start: Number, count: Number, rows: Number, panels: tuple[Number, Number]) -> None:
        """Copies what the task reads of the operands in this block of K to its scratch memory."""
        b, d, t, memory = self.b, self.d, self.t, self.memory
        if t.a == BY_TASK:
            down, along = d.a.strides[-2:]
            source = at(b, self.a, STORED[d.a.dtype], (self.first_row, down), (start, along))
            options = (d.a.dtype, source), (b.scratch, t.element)
            if down == 1:
                copy_rows(
                    b,
                    *options[0],
                    (along, down),
                    *options[1],
                    rows=count,
                    length=rows,
                    width=memory.a_strides[1],
                    lanes=t.lanes,
                )
            else:
                copy_rows(
                    b,
                    *options[0],
                    (down, along),
                    *options[1],
                    rows=rows,
                    length=count,
                    width=memory.a_strides[0],
                    lanes=t.lanes,
                )
        if t.b == BY_TASK:
            for known in sorted({t.depths.largest, t.depths.smallest}) if t.depths.count > 1 else [d.k]:
                with when_equal(b, count, known):
                    self._copy_panels(start, known, panels)

    def _copy_panels(self, start: Number, depth: int, panels: tuple[Number, Number]) -> None:
        b, d, t = self.b, self.d, self.t
        down, along = d.b.strides[-2:]

        def copy(panel: Number, columns: int) -> None:
            source = at(b, self.b_, STORED[d.b.dtype], (start, down), (panel, t.width * along))
            target = self._panel_copy(panel)
            copy_panel(
                b,
                d.b.dtype,
                source,
                (down, along),
                target,
                t.element,
                depth=depth,
                columns=columns,
                width=t.width,
                lanes=t.lanes,
            )

        with each(b, panels[0], smaller(b, panels[1], t.panels)) as panel:
            copy(panel, t.width)
        if t.tail_vectors:
            with when_equal(b, panels[1], t.all_panels):
                copy(t.panels, d.n - t.panels * t.width)

    def _panel_copy(self, panel: Number) -> Value:
        inside = minus(self.b, panel, self.first_panel)
        return at(self.b, self.b.scratch, self.t.element, (self.memory.b_at, 1), (inside, self.memory.panel_elements))

    # ------------------------------------------------------------------ panels

    def _panel(
        self,
        panel: Number,
        vectors: int,
        valid: int,
        depth: Number,
        inner: tuple[Number, Number],
        tiles: tuple[Number, Number],
        end_row: Number,
    ) -> None:
        """The tiles of one panel, and then what the epilogue makes of them."""
        b, t = self.b, self.t
        kinds = [(t.rows.largest, tiles[0], smaller(b, tiles[1], t.rows.larger)) if t.rows.larger else None]
        kinds.append((t.rows.smallest, greater(b, tiles[0], t.rows.larger), tiles[1]))
        for kind in kinds:
            if kind is not None:
                height, first, last = kind
                with each(b, first, last) as tile:
                    self._tile(tile, height, panel, vectors, valid, depth, inner)
        if not self.d.is_plain:
            with when_equal(b, depth, t.depths.count - 1):
                self._finish(panel, vectors, valid, end_row)

    def _tile(
        self,
        tile: Number,
        height: int,
        panel: Number,
        vectors: int,
        valid: int,
        depth: Number,
        inner: tuple[Number, Number],
    ) -> None:
        b, d, t, memory = self.b, self.d, self.t, self.memory
        start, count = inner
        row = t.rows.start(b, tile)
        if t.a == BY_TASK:
            strides = memory.a_strides
            a = Source(at(b, b.scratch, t.element, (minus(b, row, self.first_row), strides[0])), *strides)
        else:
            down, along = d.a.strides[-2:]
            a = Source(at(b, self.a, t.element, (row, down), (start, along)), down, along)
        if t.b == IN_PLACE:
            pointer = at(b, self.b_, t.element, (panel, t.width), (start, d.b.strides[-2]))
            source = Source(pointer, 1, d.b.strides[-2])
        elif t.b == BY_TASK:
            source = Source(self._panel_copy(panel), 1, t.width)
        else:
            source = Source(at(b, self.b_, t.element, (panel, t.padded(d.k) * t.width), (start, t.width)), 1, t.width)
        sums = zeros(b, height, vectors, t.element, t.lanes)
        if isinstance(depth, Value):
            with b.when(b.compare("ne", depth, b.index(0))):
                self._each_sum(sums, row, panel, valid, self._load_sum)
        add_products(b, sums, a, source, count, valid if t.b == IN_PLACE else t.lanes)
        self._each_sum(sums, row, panel, valid, self._store_sum)

    def _sums(self, row: Number, panel: Number) -> tuple[Value, int]:
        """Where the sums of a row in a panel lie in memory, and the stride from row to row."""
        b, d, t, memory = self.b, self.d, self.t, self.memory
        if d.is_plain:
            view = d.epilogue.stores[0].view
            return at(b, self.views[view], t.element, (row, view.strides[-2]), (panel, t.width)), view.strides[-2]
        kept = minus(b, panel, self.first_panel) if t.depths.count > 1 else 0
        inside = minus(b, row, self.first_row)
        block = memory.block_rows * t.width
        return at(b, b.scratch, t.element, (memory.sums_at, 1), (kept, block), (inside, t.width)), t.width

    def _each_sum(
        self,
        sums: list[list[Variable]],
        row: Number,
        panel: Number,
        valid: int,
        do: Callable[[Variable, Value, int], None],
    ) -> None:
        pointer, stride = self._sums(row, panel)
        for height, variables in enumerate(sums):
            for place, variable in enumerate(variables):
                address = self.b.offset(pointer, height * stride + place * self.t.lanes, self.t.element)
                last = place == len(variables) - 1 and self.d.is_plain
                do(variable, address, valid if last else self.t.lanes)

    def _load_sum(self, variable: Variable, address: Value, valid: int) -> None:
        mask = first_lanes(valid, self.t.lanes)
        whole = valid == self.t.lanes
        variable.set(self.b.load(variable.type, address) if whole else self.b.masked_load(variable.type, address, mask))

    def _store_sum(self, variable: Variable, address: Value, valid: int) -> None:
        if valid == self.t.lanes:
            self.b.store(variable.get(), address)
        else:
            self.b.masked_store(variable.get(), address, first_lanes(valid, self.t.lanes))

    # ------------------------------------------------------------------ epilogue

    def _finish(self, panel: Number, vectors: int, valid: int, end_row: Number) -> None:
        """The epilogue of a panel's sums."""
        b, d, t = self.b, self.d, self.t
        with each(b, self.first_row, end_row) as row:
            pointer, _ = self._sums(row, panel)
            for place in range(vectors):
                column = plus(b, times(b, panel, t.width), place * t.lanes)
                product = b.load(f"<{t.lanes} x {t.element}>", b.offset(pointer, place * t.lanes, t.element))
                lanes = valid if place == vectors - 1 else t.lanes
                finish(b, d, Place(self.axes, row, column, lanes), self.views, product)


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
