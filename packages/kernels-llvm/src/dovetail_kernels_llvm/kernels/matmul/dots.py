"""Products of a few rows by columns that are contiguous: dot products, which read B once, as it lies."""

from __future__ import annotations

from math import prod

from ...codegen.builder import Builder, Value, Variable
from ...codegen.isa import ISA
from ...codegen.types import SIZES, STORED, vector
from ..kernel import Kernel
from .copying import interleaving
from .description import Matmul
from .elements import load_lanes, read, widened
from .epilogue import Place, finish
from .numbers import Number, at, each, places, plus, times
from .parts import Parts, Strips, parts_of, runs
from .tile import Source, multiply_add
from .tiling import cycles_of_tiles, task_count

MOST_ROWS = 12
"""With more rows of A, copying B in panels pays."""

ROWS, COLUMNS = 4, 4
"""The most rows of A and columns of B whose dot products are computed at a time. Of one row, several sums are kept for
each product, so that they needn't wait for each other."""


def suits_dots(isa: ISA, d: Matmul) -> bool:
    """Whether a product should be computed as dot products."""
    down, along = d.b.strides[-2:]
    contiguous = down == 1 and (along != 1 or d.n == 1) and STORED[d.b.dtype] == d.element
    fits = d.m <= MOST_ROWS and d.k >= isa.lanes(SIZES[d.element])
    return contiguous and fits and cycles_of_dots(isa, d) < cycles_of_tiles(isa, d)


def cycles_of_dots(isa: ISA, d: Matmul) -> float:
    """An estimate of the time of one matrix product by dot products, in cycles."""
    return d.m * (-(-d.k // isa.lanes(SIZES[d.element])) + 3.5) * d.n


def write_dots(isa: ISA, d: Matmul, what: str) -> tuple[Kernel, int]:
    """The kernel, and its number of tasks. Its arguments: A, B, and the views of the epilogue in order."""
    return _Writer(isa, d).kernel(what)


class _Writer:
    """What the parts of the code share while it is written."""

    def __init__(self, isa: ISA, d: Matmul) -> None:
        self.b, self.d = Builder(isa), d
        self.element = d.element
        self.lanes = isa.lanes(SIZES[self.element])
        self.type = vector(self.element, self.lanes)
        self.groups = Strips(d.n, self.lanes)
        self.rows = parts_of(d.m, ROWS)
        self.copied = STORED[d.a.dtype] != self.element or d.a.strides[-1] != 1
        self.width = -(-d.k // self.lanes) * self.lanes
        # The sums of a group: for each row, a vector for each column.
        self.sums = self.b.array(self.element, d.m * self.lanes * self.lanes)

    def kernel(self, what: str) -> tuple[Kernel, int]:
        b, d, groups = self.b, self.d, self.groups
        batches = prod(d.batch)
        wanted = task_count(batches * cycles_of_dots(b.isa, d), batches * d.k * d.n * SIZES[self.element])
        batch_blocks = Parts(batches, min(batches, wanted))
        column_blocks = Parts(groups.count, max(1, min(groups.count, wanted // batch_blocks.count)))
        tasks = batch_blocks.count * column_blocks.count
        pointers = [b.pointer(place) for place in range(2 + len(d.views))]
        batch_part, column_part = places(b, b.task if tasks > 1 else 0, (batch_blocks.count, column_blocks.count))
        with each(b, *batch_blocks.bounds(b, batch_part)) as batch:
            axes = places(b, batch, d.batch)
            operands = [
                at(b, pointer, STORED[view.dtype], *zip(axes, view.strides[:-2], strict=True))
                for pointer, view in zip(pointers, (d.a, d.b, *d.views), strict=True)
            ]
            views = dict(zip(d.views, operands[2:], strict=True))
            a, stride = self._contiguous(operands[0])
            for size, first, last in runs(b, groups, *column_blocks.bounds(b, column_part)):
                with each(b, first, last) as group:
                    column = times(b, group, self.lanes)
                    source = at(b, operands[1], self.element, (column, d.b.strides[-1]))
                    for height, top, bottom in runs(b, self.rows, 0, self.rows.count):
                        with each(b, top, bottom) as tile:
                            self._group(a, stride, source, self.rows.start(b, tile), height, size)
                    with each(b, 0, d.m) as row:
                        finish(b, d, Place(axes, row, column, size), views, self._total(row, size))
        scratch = d.m * self.width * SIZES[self.element] if self.copied else 0
        return Kernel(b.text(), what, scratch), tasks

    def _contiguous(self, a: Value) -> tuple[Value, int]:
        """A with contiguous rows, copied if need be, and the stride from row to row."""
        b, d = self.b, self.d
        down, along = d.a.strides[-2:]
        if not self.copied:
            return a, down
        with each(b, 0, d.m) as row:
            for size, first, last in runs(b, Strips(d.k, self.lanes), 0, -(-d.k // self.lanes)):
                with each(b, first, last) as strip:
                    k = times(b, strip, self.lanes)
                    source = at(b, a, STORED[d.a.dtype], (row, down), (k, along))
                    loaded = read(b, d.a.dtype, source, along, self.lanes, size)
                    target = at(b, b.scratch, self.element, (row, self.width), (k, 1))
                    b.store(widened(b, d.a.dtype, loaded, self.element), target)
        return b.scratch, self.width

    def _group(self, a: Value, stride: int, source: Value, first_row: Number, height: int, columns: int) -> None:
        """The dot products of some rows with a group of columns, each as a vector of sums, into memory."""
        b, square = self.b, self.lanes * self.lanes
        most = max(1, min(COLUMNS, b.isa.registers // 2 // height))
        strips = Strips(columns, most)
        for size, first, last in runs(b, strips, 0, strips.count):
            with each(b, first, last) as strip:
                column = times(b, strip, most)
                start = at(b, source, self.element, (column, self.d.b.strides[-1]))
                rows = Source(at(b, a, self.element, (first_row, stride)), stride, 1)
                sums = self._dots(rows, Source(start, self.d.b.strides[-1], 1), height, size)
                for row, values in enumerate(sums):
                    for place, value in enumerate(values):
                        number = (first_row, square), (column, self.lanes), (row * square + place * self.lanes, 1)
                        b.store(value, at(b, self.sums, self.element, *number))

    def _dots(self, a: Source, columns_of_b: Source, height: int, columns: int) -> list[list[Value]]:
        """The dot products of some rows and columns, each as a vector of sums."""
        b, lanes, depth = self.b, self.lanes, self.d.k
        pieces = max(1, b.isa.registers // 2 // (height * columns))
        zero = b.constant(self.type, 0)
        sums = [[[b.variable(zero) for _ in range(pieces)] for _ in range(columns)] for _ in range(height)]
        step = pieces * lanes
        whole, vectors = depth // step * step, depth // lanes * lanes

        def add(k: Number, count: int, valid: int) -> None:
            for piece in range(count):
                place = plus(b, k, piece * lanes)
                x, y = (self._vectors(one, place, n, valid) for one, n in ((a, height), (columns_of_b, columns)))
                for row in range(height):
                    for column in range(columns):
                        variable = sums[row][column][piece]
                        variable.set(multiply_add(b, x[row], y[column], variable.get()))

        if whole:
            with each(b, 0, whole, step) as k:
                add(k, pieces, lanes)
        if vectors > whole:
            with each(b, whole, vectors, lanes) as k:
                add(k, 1, lanes)
        if depth > vectors:
            add(vectors, 1, depth - vectors)
        return [[self._sum(variables) for variables in row] for row in sums]

    def _vectors(self, source: Source, k: Number, count: int, valid: int) -> list[Value]:
        """Elements from k on of some rows of A or columns of B."""
        start = at(self.b, source.pointer, self.element, (k, 1))
        addresses = [self.b.offset(start, place * source.stride, self.element) for place in range(count)]
        return [load_lanes(self.b, self.type, address, valid) for address in addresses]

    def _sum(self, variables: list[Variable]) -> Value:
        total = variables[0].get()
        for variable in variables[1:]:
            total = self.b.add(total, variable.get())
        return total

    def _total(self, row: Number, columns: int) -> Value:
        """The dot products of a row with a group of columns, a lane each."""
        b, lanes = self.b, self.lanes
        sums = at(b, self.sums, self.element, (row, lanes * lanes))
        vectors = [b.load(self.type, b.offset(sums, place * lanes, self.element)) for place in range(columns)]
        return sums_of_lanes(b, [*vectors, *[vectors[-1]] * (lanes - columns)])


def sums_of_lanes(b: Builder, vectors: list[Value]) -> Value:
    """The sum of each of as many vectors as they have lanes, in a lane each: in rounds, two become one."""
    low, high = interleaving(len(vectors))
    while len(vectors) > 1:
        half = len(vectors) // 2
        pairs = [(vectors[place], vectors[place + half]) for place in range(half)]
        vectors = [b.add(b.shuffle(x, y, low), b.shuffle(x, y, high)) for x, y in pairs]
    return vectors[0]
