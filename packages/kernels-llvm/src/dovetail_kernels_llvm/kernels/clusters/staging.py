"""Loads that lie across: along rows where the rest of a cluster lies along columns.

They are read in squares, which are transposed in registers and put into scratch memory, from where rows read them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ...codegen.builder import Builder, Value
from ...codegen.types import SIZES, STORED, vector
from ..cluster import Cluster
from ..copies.transposes import transposed
from ..kernel import View
from .columns import Number, value_of
from .memory import Memory, Row
from .terms import COLUMNS, ROWS, is_reduction, reduced

ROW_TILES = 4
"""Squares in a block of rows: cache lines that lie together are used together."""
BLOCK_COLUMNS = 64

Work: TypeAlias = Callable[[Row, Sequence[Number]], None]


def lying_across(cluster: Cluster, lanes: int) -> tuple[View, ...]:
    """The views to stage: loaded ones whose neighbors in memory are rows, where a cluster has no order among rows and
    enough of them."""
    if not cluster.rows or cluster.rows[-1] < lanes or cluster.columns < lanes or lanes < 4:
        return ()
    reductions = (place for place, term in enumerate(cluster.terms) if is_reduction(term))
    if any(reduced(cluster, place) != {ROWS, COLUMNS} for place in reductions):
        return ()
    views = [term.view for term in cluster.terms if term.view is not None]
    found = [view for view in views if view.strides[-2] == 1 and view.strides[-1] not in (0, 1)]
    return tuple(dict.fromkeys(found))


class Staging:
    """Writes the work on blocks of rows with staged views."""

    def __init__(self, b: Builder, memory: Memory, rows: int, lanes: int, views: Sequence[View]) -> None:
        self.b, self.memory, self.rows, self.lanes = b, memory, rows, lanes
        count = ROW_TILES * lanes * BLOCK_COLUMNS
        self.regions = {view: memory.plain_region(view.dtype, count) for view in views}

    def block(self, work: Work, outer: list[Value], first: Value, bounds: Sequence[Number]) -> None:
        """Writes the work on a block of rows. `work` writes that on some columns of a row; `outer`: the places along
        other axes of rows; `first`: the block's first row; `bounds`: the task's columns."""
        b, lanes = self.b, self.lanes
        start, stop = bounds[0], value_of(b, bounds[-1])
        end = b.minimum(b.add(first, b.index(ROW_TILES * lanes)), self.rows)
        squares = b.add(first, b.operate("and", b.sub(end, first), b.index(-lanes)))
        begin = value_of(b, start)
        whole = b.add(begin, b.operate("and", b.sub(stop, begin), b.index(-lanes)))
        with b.loop(start, whole, BLOCK_COLUMNS) as column:
            last = b.minimum(b.add(column, b.index(BLOCK_COLUMNS)), whole)
            for view in self.regions:
                self._stage(view, outer, first, squares, column, last)
            with b.loop(first, squares) as index:
                row = Row([*outer, index])
                for view, region in self.regions.items():
                    line = b.mul(b.sub(index, first), b.index(BLOCK_COLUMNS))
                    row.staged[view] = b.offset(region, b.sub(line, column), STORED[view.dtype])
                work(row, (column, last))
        if self.rows % lanes == 0 and isinstance(bounds[-1], int) and bounds[-1] % lanes == 0:
            return
        with b.loop(first, end) as index:
            rest = b.select(b.compare("slt", index, squares), whole, begin)
            work(Row([*outer, index]), (rest, stop))

    def _stage(self, view: View, outer: list[Value], first: Value, squares: Value, column: Value, last: Value) -> None:
        """Transposes what a view has in some rows and columns."""
        b, lanes, element = self.b, self.lanes, STORED[view.dtype]
        word = f"i{8 * SIZES[element]}"
        with b.loop(first, squares, lanes) as index:
            row = Row([*outer, index])
            pointer = self.memory.found(view, row)
            line = b.mul(b.sub(index, first), b.index(BLOCK_COLUMNS))
            with b.loop(column, last, lanes) as place:
                lines = []
                for lane in range(lanes):
                    offset = b.mul(b.add(place, b.index(lane)), b.index(view.strides[-1]))
                    lines.append(b.load(vector(word, lanes), b.offset(pointer, offset, word)))
                target = b.offset(self.regions[view], b.add(line, b.sub(place, column)), word)
                for number, part in enumerate(transposed(b, lines)):
                    b.store(part, b.offset(target, number * BLOCK_COLUMNS, word))
