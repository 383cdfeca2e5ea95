"""The code of one task: a block of the product, panel by panel and tile by tile."""

from __future__ import annotations

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value, Variable
from ...codegen.isa import ISA
from ...codegen.types import SIZES, STORED, vector
from ..kernel import Kernel, View
from .copying import Panels, copy_panel, copy_panels
from .description import Matmul
from .elements import load_lanes, store_lanes
from .epilogue import Place, effort, finish
from .numbers import Number, at, each, minus, places, plus, times, when_equal
from .parts import runs
from .tile import Source, add_products, zeros
from .tiling import BY_TASK, IN_PLACE, Tiling

UNROLLED_EPILOGUE = 160
"""The most instructions, about, with which an epilogue is written for each vector of a tile while the sums are in
registers. A longer one is a loop over sums in memory: it costs a store and a load for each, and is compiled once."""


LINE_BYTES = 64
"""A line of the cache, or half of one."""

FEW_PRODUCTS = 64
"""Below so many products for each sum, asking for what the epilogue loads comes too late to help."""


@record
class Block:
    """What a task works on at a time: tiles and panels (from, up to), and a block of K (its number, start, length)."""

    tiles: tuple[Number, Number]
    panels: tuple[Number, Number]
    first_row: Number
    end_row: Number
    depth: Number
    start: Number
    length: Number


def write_kernel(isa: ISA, d: Matmul, t: Tiling, operands: tuple[View, View], what: str) -> Kernel:
    """The kernel whose tasks are the blocks of a tiling. Its arguments: the operands, which are A and B or the copies
    that launches have made of them, and the views of the epilogue in order."""
    return _Writer(isa, d, t, operands).kernel(what)


class _Writer:
    """What the parts of a task's code share while it is written."""

    def __init__(self, isa: ISA, d: Matmul, t: Tiling, operands: tuple[View, View]) -> None:
        self.b, self.d, self.t = Builder(isa), d, t
        self.a_panels, self.b_panels = t.a_panels(d.a), t.b_panels(d.b)
        tile = t.rows.largest * (t.columns.largest // t.lanes)
        self.in_registers = not d.is_plain and effort(d.epilogue) * tile <= UNROLLED_EPILOGUE
        # Scratch memory, in elements: a copy of A (of a tile of it, where it is used for one panel only), a copy of
        # a panel of B, and sums that wait for more products or for the epilogue.
        self.by_tile = t.column_blocks.largest == 1
        self.b_at = (1 if self.by_tile else t.row_blocks.largest) * self.a_panels.elements if t.a == BY_TASK else 0
        self.sums_at = self.b_at + (self.b_panels.elements if t.b == BY_TASK else 0)
        self.block_rows = t.row_blocks.largest * t.rows.largest
        kept = 0 if d.is_plain or (self.in_registers and t.depths.count == 1) else self.block_rows * t.columns.largest
        self.scratch = self.sums_at + kept * (t.column_blocks.largest if t.depths.count > 1 else 1)
        self.pointers = [self.b.pointer(place) for place in range(2 + len(d.views))]
        self.operands = operands
        self.a = self.b_ = self.pointers[0]
        self.views: dict[View, Value] = {}
        self.axes: list[Number] = []

    def kernel(self, what: str) -> Kernel:
        b, t = self.b, self.t
        counts = t.batch_blocks.count, t.row_blocks.count, t.column_blocks.count
        batch_part, row_part, column_part = places(b, b.task if t.tasks > 1 else 0, counts)
        tiles, panels = t.row_blocks.bounds(b, row_part), t.column_blocks.bounds(b, column_part)
        rows = [t.rows.start(b, tile) for tile in tiles]
        with each(b, *t.batch_blocks.bounds(b, batch_part)) as batch:
            self._at_batch(batch)
            with each(b, 0, t.depths.count) as depth:
                start, stop = t.depths.bounds(b, depth)
                self._block(Block(tiles, panels, rows[0], rows[1], depth, start, minus(b, stop, start)))
        return Kernel(b.text(), what, self.scratch * SIZES[t.element])

    def _at_batch(self, batch: Number) -> None:
        b, d = self.b, self.d
        self.axes = places(b, batch, d.batch)

        def moved(pointer: Value, view: View) -> Value:
            return at(b, pointer, STORED[view.dtype], *zip(self.axes, view.strides[:-2], strict=True))

        self.a = moved(self.pointers[0], self.operands[0])
        self.b_ = moved(self.pointers[1], self.operands[1])
        self.views = {view: moved(pointer, view) for pointer, view in zip(self.pointers[2:], d.views, strict=True)}

    def _block(self, block: Block) -> None:
        """The tiles, panel by panel."""
        b, t = self.b, self.t
        if t.a == BY_TASK and not self.by_tile:
            source = at(b, self.a, STORED[self.d.a.dtype], (block.start, self.a_panels.strides[0]))
            copy_panels(b, self.a_panels, source, b.scratch, *block.tiles, block.length)
        for width, first, last in runs(b, t.columns, *block.panels):
            with each(b, first, last) as panel:
                if t.b == BY_TASK:
                    start = (
                        (block.start, self.b_panels.strides[0]),
                        (panel, t.columns.largest * self.b_panels.strides[1]),
                    )
                    source = at(b, self.b_, STORED[self.d.b.dtype], *start)
                    copy_panel(b, self.b_panels, source, self._b_copy(), width, block.length)
                for height, top, bottom in runs(b, t.rows, *block.tiles):
                    with each(b, top, bottom) as tile:
                        if t.a == BY_TASK and self.by_tile:
                            start = (
                                (block.start, self.a_panels.strides[0]),
                                (t.rows.start(b, tile), self.a_panels.strides[1]),
                            )
                            source = at(b, self.a, STORED[self.d.a.dtype], *start)
                            copy_panel(b, self.a_panels, source, b.scratch, height, block.length)
                        self._tile(block, tile, height, panel, width)
                if not self.d.is_plain and not self.in_registers:
                    with when_equal(b, block.depth, t.depths.count - 1):
                        self._finish_panel(block, panel, width)

    def _tile(self, block: Block, tile: Number, height: int, panel: Number, width: int) -> None:
        """The sums of a tile."""
        b, t = self.b, self.t
        row = t.rows.start(b, tile)
        vectors = -(-width // t.lanes)
        valid = width - (vectors - 1) * t.lanes
        sums = zeros(b, height, vectors, t.element, t.lanes)
        if isinstance(block.depth, Value):
            with b.when(b.compare("ne", block.depth, b.index(0))):
                for variable, address, lanes in self._memory(sums, block, row, panel, valid):
                    variable.set(load_lanes(b, variable.type, address, lanes))
        self._announce(block, row, height, panel, width)
        b_valid = valid if t.b == IN_PLACE else t.lanes
        add_products(b, sums, self._a_source(block, tile, row), self._b_source(block, panel), block.length, b_valid)
        if not self.in_registers:
            self._keep(sums, block, row, panel, valid)
            return
        if isinstance(block.depth, Value):
            with b.when(b.compare("ne", block.depth, b.index(t.depths.count - 1))):
                self._keep(sums, block, row, panel, valid)
        with when_equal(b, block.depth, t.depths.count - 1):
            for height_, variables in enumerate(sums):
                products = [variable.get() for variable in variables]
                self._finish(plus(b, row, height_), panel, products, valid)

    # ------------------------------------------------------------------ operands

    def _a_source(self, block: Block, tile: Number, row: Number) -> Source:
        b, t = self.b, self.t
        if t.a == IN_PLACE:
            down, along = self.d.a.strides[-2:]
            return Source(at(b, self.a, t.element, (row, down), (block.start, along)), down, along)
        if t.a == BY_TASK:
            return self._copied(b.scratch, self.a_panels, 0 if self.by_tile else minus(b, tile, block.tiles[0]), 0)
        return self._copied(self.a, self.a_panels, tile, block.start)

    def _b_source(self, block: Block, panel: Number) -> Source:
        b, t = self.b, self.t
        if t.b == IN_PLACE:
            down, along = self.d.b.strides[-2:]
            return Source(at(b, self.b_, t.element, (panel, t.columns.largest), (block.start, down)), along, down)
        if t.b == BY_TASK:
            return self._copied(self._b_copy(), self.b_panels, 0, 0)
        return self._copied(self.b_, self.b_panels, panel, block.start)

    def _b_copy(self) -> Value:
        return at(self.b, self.b.scratch, self.t.element, (self.b_at, 1))

    def _copied(self, pointer: Value, panels: Panels, panel: Number, start: Number) -> Source:
        address = at(self.b, pointer, panels.element, (panel, panels.elements), (start, panels.width))
        return Source(address, 1, panels.width)

    # ------------------------------------------------------------------ sums

    def _keep(self, sums: list[list[Variable]], block: Block, row: Number, panel: Number, valid: int) -> None:
        for variable, address, lanes in self._memory(sums, block, row, panel, valid):
            store_lanes(self.b, variable.get(), address, lanes)

    def _memory(
        self, sums: list[list[Variable]], block: Block, row: Number, panel: Number, valid: int
    ) -> list[tuple[Variable, Value, int]]:
        """The sums of a tile, where they lie in memory, and how many lanes they have there."""
        pointer, stride = self._place(block, row, panel)
        return [
            (
                variable,
                self.b.offset(pointer, height * stride + place * self.t.lanes, self.t.element),
                valid if self.d.is_plain and place == len(variables) - 1 else self.t.lanes,
            )
            for height, variables in enumerate(sums)
            for place, variable in enumerate(variables)
        ]

    def _place(self, block: Block, row: Number, panel: Number) -> tuple[Value, int]:
        """Where the sums of a row in a panel lie in memory, and the stride from row to row."""
        b, t, width = self.b, self.t, self.t.columns.largest
        if self.d.is_plain:
            view = self.d.epilogue.stores[0].view
            return at(b, self.views[view], t.element, (row, view.strides[-2]), (panel, width)), view.strides[-2]
        kept = minus(b, panel, block.panels[0]) if t.depths.count > 1 else 0
        inside = minus(b, row, block.first_row)
        terms = (self.sums_at, 1), (kept, self.block_rows * width), (inside, width)
        return at(b, b.scratch, t.element, *terms), width

    # ------------------------------------------------------------------ epilogue

    def _announce(self, block: Block, row: Number, height: int, panel: Number, width: int) -> None:
        """Asks for what the epilogue will read and write of a tile, so that it is there when the products are.

        An update reads three arrays, of which each row is a few lines on a page of its own: with 1024 products for each
        sum, products with an update went from 82 to 97 GFLOP/s a thread."""
        b, t = self.b, self.t
        views = [view for view in self.d.views if view.strides[-1] == 1 and view.strides[-2]]
        if not views or t.depths.total < FEW_PRODUCTS:
            return
        with when_equal(b, block.depth, t.depths.count - 1), each(b, row, plus(b, row, height)) as line:
            for view in dict.fromkeys(views):
                element = STORED[view.dtype]
                start = at(b, self.views[view], element, (line, view.strides[-2]), (panel, t.columns.largest))
                for place in range(0, width, max(1, LINE_BYTES // SIZES[element])):
                    b.prefetch(b.offset(start, place, element))

    def _finish_panel(self, block: Block, panel: Number, width: int) -> None:
        """The epilogue of a panel's sums, which are in memory."""
        b, t = self.b, self.t
        vectors = -(-width // t.lanes)
        with each(b, block.first_row, block.end_row) as row:
            pointer, _ = self._place(block, row, panel)
            addresses = [b.offset(pointer, place * t.lanes, t.element) for place in range(vectors)]
            products = [b.load(vector(t.element, t.lanes), address) for address in addresses]
            self._finish(row, panel, products, width - (vectors - 1) * t.lanes)

    def _finish(self, row: Number, panel: Number, products: list[Value], valid: int) -> None:
        """The epilogue of a row of vectors."""
        b, t = self.b, self.t
        for place, product in enumerate(products):
            column = plus(b, times(b, panel, t.columns.largest), place * t.lanes)
            lanes = valid if place == len(products) - 1 else t.lanes
            finish(b, self.d, Place(self.axes, row, column, lanes), self.views, product)
