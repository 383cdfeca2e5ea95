"""Rows of a matrix turned into columns, in the order in which a product reads them."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.types import SIZES, element_of, lanes_of
from .counts import Count, parts
from .memory import padded
from .product import Right, store_aligned

BLOCK_BYTES = 16
"""x86 registers are made of blocks of so many bytes: elements change places within them, or blocks as a whole, in one
instruction."""


class Panels:
    """A transposed matrix in scratch, (columns, rows) of the original, cut into panels of so many vectors of rows.

    In a panel, all columns lie one after the other, so that a product reads it from its beginning to its end.
    """

    def __init__(self, b: Builder, type_: str, width: int, memory: Value, columns: int) -> None:
        self._b, self._type, self._width, self._memory = b, type_, width, memory
        self._lanes, self._element = lanes_of(type_), element_of(type_)
        self._columns = padded(columns, self._lanes)
        self.right = Right(self._at, width * self._lanes)

    def _at(self, vector: Value) -> Value:
        """The address of a vector of rows of the original, in column 0."""
        b, lanes = self._b, self._lanes
        panel, within = (b.operate(name, vector, b.index(self._width)) for name in ("udiv", "urem"))
        index = b.add(b.mul(panel, b.index(self._columns * self._width * lanes)), b.mul(within, b.index(lanes)))
        return b.offset(self._memory, index, self._element)

    def fill(self, source: Value, row: int, rows: Count) -> None:
        """Transposes rows of whole vectors, `row` elements apart. They are read up to a multiple of a vector's lanes."""
        b, lanes, element = self._b, self._lanes, self._element
        with b.loop(0, parts(b, rows, lanes)) as group:
            origin = b.offset(source, b.mul(group, b.index(lanes * row)), element)
            target = self._at(group)
            with b.loop(0, self._columns, lanes) as column:
                start = b.offset(origin, column, element)
                vectors = [b.load(self._type, b.offset(start, lane * row, element)) for lane in range(lanes)]
                to = b.offset(target, b.mul(column, b.index(self.right.depth)), element)
                for place, vector in enumerate(transposed(b, vectors)):
                    store_aligned(b, vector, b.offset(to, place * self.right.depth, element))


def transposed(b: Builder, vectors: list[Value]) -> list[Value]:
    """Vectors, as many as each has lanes, as a matrix, transposed.

    Each step takes two vectors whose numbers differ in one bit, and gives the even halves of both and the odd halves of
    both: so a bit of the vector's number and one of the lane's number change places.
    """
    lanes = len(vectors)
    for bit, (even, odd) in enumerate(interleavings(lanes, vectors[0].element)):
        for low in range(lanes):
            if not low & 1 << bit:
                a, c = vectors[low], vectors[low | 1 << bit]
                vectors[low], vectors[low | 1 << bit] = b.shuffle(a, c, even), b.shuffle(a, c, odd)
    return vectors


def interleavings(lanes: int, element: str) -> list[tuple[list[int], list[int]]]:
    """The steps of a transposition: the lanes of two vectors that its first result takes, and its second."""
    block = min(lanes, BLOCK_BYTES // SIZES[element])
    steps = [(1, block)] * (block.bit_length() - 1) + [(block, lanes)] * ((lanes // block).bit_length() - 1)
    return [(_alternate(lanes, *step, 0), _alternate(lanes, *step, 1)) for step in steps]


def _alternate(lanes: int, unit: int, span: int, parity: int) -> list[int]:
    """In each span, every other unit of lanes of one vector, then the same of another."""
    return [
        vector + start + place + lane
        for start in range(0, lanes, span)
        for vector in (0, lanes)
        for place in range(parity * unit, span, 2 * unit)
        for lane in range(unit)
    ]
