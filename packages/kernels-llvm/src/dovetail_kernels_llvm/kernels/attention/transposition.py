"""Rows of a matrix turned into columns, in the order in which a product reads them."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.types import SIZES, element_of, lanes_of, vector
from .counts import Count, parts
from .memory import padded
from .product import Right, store_aligned

BLOCK_BYTES = 16
"""Wide registers are made of blocks of so many bytes: one instruction moves elements within all blocks, or blocks as a
whole, but rarely both."""


class Panels:
    """A transposed matrix in scratch, (columns, rows) of the original, cut into panels of so many vectors of rows.

    In a panel, all columns lie one after the other, so that a product reads it from its beginning to its end.
    """

    def __init__(self, b: Builder, type_: str, width: int, memory: Value, columns: int) -> None:
        self._b, self._type, self._width, self._memory = b, type_, width, memory
        self._lanes, self._element = lanes_of(type_), element_of(type_)
        self._columns = padded(columns, self._lanes)
        self.right = Right(self._at, width * self._lanes)

    def _at(self, place: Value) -> Value:
        """The address of a vector of rows of the original, in column 0."""
        b, lanes = self._b, self._lanes
        panel, within = (b.operate(name, place, b.index(self._width)) for name in ("udiv", "urem"))
        index = b.add(b.mul(panel, b.index(self._columns * self._width * lanes)), b.mul(within, b.index(lanes)))
        return b.offset(self._memory, index, self._element)

    def fill(self, source: Value, row: int, rows: Count) -> None:
        """Transposes rows of whole vectors, `row` elements apart; read up to a multiple of a vector's lanes."""
        b, lanes, element = self._b, self._lanes, self._element
        with b.loop(0, parts(b, rows, lanes)) as group:
            origin = b.offset(source, b.mul(group, b.index(lanes * row)), element)
            target = self._at(group)
            block = block_lanes(lanes, element)
            with b.loop(0, self._columns, block) as column:
                start = b.offset(origin, column, element)
                vectors = [self._gathered(start, first, row, block) for first in range(block)]
                to = b.offset(target, b.mul(column, b.index(self.right.depth)), element)
                for place, one in enumerate(transposed(b, vectors)):
                    store_aligned(b, one, b.offset(to, place * self.right.depth, element))

    def _gathered(self, start: Value, first: int, row: int, block: int) -> Value:
        """A block of each so many-th row."""
        b, element = self._b, self._element
        places = [b.offset(start, number * row, element) for number in range(first, self._lanes, block)]
        blocks = [b.load(vector(element, block), place) for place in places]
        while len(blocks) > 1:
            order = range(2 * blocks[0].lanes)
            blocks = [b.shuffle(low, high, order) for low, high in zip(blocks[::2], blocks[1::2], strict=True)]
        return blocks[0]


def transposed(b: Builder, vectors: list[Value]) -> list[Value]:
    """As many vectors as a block has lanes, each block of them, as a matrix, transposed.

    Each step takes two vectors whose numbers differ in one bit, and gives the even lanes of both and the odd lanes of
    both: so a bit of the vector's number and one of the lane's number change places.
    """
    lanes, count = vectors[0].lanes, len(vectors)
    for bit, (even, odd) in enumerate(interleavings(lanes, vectors[0].element)[: count.bit_length() - 1]):
        for low in range(count):
            if not low & 1 << bit:
                a, c = vectors[low], vectors[low | 1 << bit]
                vectors[low], vectors[low | 1 << bit] = b.shuffle(a, c, even), b.shuffle(a, c, odd)
    return vectors


def block_lanes(lanes: int, element: str) -> int:
    """How many lanes a block has."""
    return min(lanes, BLOCK_BYTES // SIZES[element])


def interleavings(lanes: int, element: str) -> list[tuple[list[int], list[int]]]:
    """The steps that transpose as many vectors as each has lanes: the lanes of two vectors that the first result takes,
    and those that the second takes. The first steps stay within blocks."""
    block = block_lanes(lanes, element)
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
