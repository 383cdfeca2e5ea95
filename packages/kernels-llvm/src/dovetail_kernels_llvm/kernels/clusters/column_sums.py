"""Reductions over rows, for each column: gathered by each task in registers or in a row of scratch memory."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ..cluster import Cluster
from .memory import Memory, Place, Region
from .reduction import Accumulator, combined, neutral

BLOCK_ROWS = 128
"""Rows that are added one after the other; the sums of such blocks are added again, which keeps errors small."""

MOST_REGISTERS = 12


class ColumnSums:
    """The reduction of one term for each column of a task.

    `columns` of a task; `blocked`: whether rows come in blocks.
    """

    def __init__(self, b: Builder, memory: Memory, cluster: Cluster, term: int, columns: int, blocked: bool) -> None:
        self.b, self.operation, self.dtype = b, cluster.terms[term].operation, cluster.terms[term].dtype
        self.term, self.operand = term, cluster.terms[term].operands[0]
        self.total: Region = memory.region(self.dtype, columns)
        self.gathered: Region | None = memory.region(self.dtype, columns) if blocked else None
        self.registers: list[Accumulator] = []
        self.blocked = blocked

    def hold(self, lanes: list[int]) -> None:
        """Gathers in registers, one for each place in which columns are held."""
        self.gathered = None
        self.registers = [Accumulator(self.b, self.operation, self.dtype, one, 1, tail=False) for one in lanes]

    def neutral(self, lanes: int) -> Value:
        return neutral(self.b, self.operation, self.dtype, lanes)

    def begin(self, column: Value) -> None:
        """Starts a task, whose first column is given."""
        for region in (self.total, self.gathered):
            if region is not None:
                region.begin(column)

    def clear_total(self, column: Value, lanes: int) -> None:
        self.total.store(self.neutral(lanes), column)

    def clear(self, column: Value, lanes: int) -> None:
        """Prepares columns for a block of rows."""
        if self.gathered is not None:
            self.gathered.store(self.neutral(lanes), column)

    def reset(self) -> None:
        """Prepares registers for a block of rows."""
        for register in self.registers:
            register.reset()

    def take(self, place: Place, number: int, value: Value) -> None:
        """Adds values of a row. `number`: which of the places it is, where columns are held."""
        if self.registers:
            self.registers[number].take(0, value)
            return
        region = self.gathered or self.total
        kept = region.load(place.column, place.lanes)
        region.store(combined(self.b, self.operation, self.dtype, kept, value), place.column)

    def flush(self, column: Value, lanes: int, number: int) -> None:
        """Adds what a block of rows gave to the total."""
        if self.registers:
            found = self.registers[number].result()
        elif self.gathered is not None:
            found = self.gathered.load(column, lanes)
        else:
            return
        kept = self.total.load(column, lanes)
        self.total.store(combined(self.b, self.operation, self.dtype, kept, found), column)
