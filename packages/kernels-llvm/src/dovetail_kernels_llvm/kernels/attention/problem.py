"""What the kernels of attention and of its gradient share: types, sizes, and where each head's matrices lie."""

from __future__ import annotations

from math import lcm, prod

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import STORED, size_bytes, vector
from ..kernel import View
from .counts import Count, minus
from .description import Attention, AttentionGradient, statistics_dtype
from .memory import Matrix, padded
from .product import Tile, tile_of


@record
class Problem:
    """The sizes of attention and how it is computed on an instruction set.

    `batch`: the leading axes; `size`, `value_size`: of a query or key, and of a value; `is_log2`: whether scores are in
    units of log₂ e, so that weights are powers of 2 (an added mask stays in its own units, lest it overflow).
    """

    batch: tuple[int, ...]
    queries: int
    keys: int
    size: int
    value_size: int
    scale: float
    is_causal: bool
    is_log2: bool
    dtype: str
    lanes: int
    group: int
    tile: Tile

    @property
    def type(self) -> str:
        return vector(STORED[self.dtype], self.lanes)

    @property
    def element(self) -> str:
        return STORED[self.dtype]

    @property
    def width(self) -> int:
        """Of a row of queries or keys in scratch."""
        return padded(self.size, self.lanes)

    @property
    def value_width(self) -> int:
        """Of a row of values in scratch."""
        return padded(self.value_size, self.lanes)

    @property
    def seen_keys(self) -> int:
        """How many keys any query sees."""
        return min(self.keys, self.queries) if self.is_causal else self.keys

    @property
    def step(self) -> int:
        """What sizes of blocks are multiples of, unless they are the whole."""
        return lcm(self.tile.height, self.tile.width * self.lanes)

    @property
    def heads(self) -> int:
        """How many pairs of matrices there are."""
        return prod(self.batch)

    @property
    def flops(self) -> float:
        """What the two products of attention need."""
        pairs = 1.0 * self.queries * self.keys
        if self.is_causal:
            pairs = self.seen_keys * (self.queries - (self.seen_keys - 1) / 2)
        return 2 * self.heads * pairs * (self.size + self.value_size)

    def __str__(self) -> str:
        sizes = "×".join(map(str, (*self.batch, self.queries, self.keys, self.size)))
        return sizes + (", causal" if self.is_causal else "")

    def ahead(self, b: Builder, query: Count, key: Count) -> Count | None:
        """How far a query is ahead of a key, where that decides whether it sees it."""
        return minus(b, query, key) if self.is_causal else None


def problem_of(isa: ISA, description: Attention | AttentionGradient) -> Problem:
    """The problem that a description poses."""
    query, key, value = description.query, description.key, description.value
    dtype = statistics_dtype(query, key, value)
    whole = description.output if isinstance(description, Attention) else description.cotangent
    lanes = isa.lanes(size_bytes(dtype))
    size = query.shape[-1]
    return Problem(
        batch=whole.shape[:-2],
        queries=query.shape[-2],
        keys=key.shape[-2],
        size=size,
        value_size=value.shape[-1],
        scale=size**-0.5 if description.scale is None else description.scale,
        is_causal=description.is_causal,
        is_log2=description.mask is None or description.mask.dtype == "bool",
        dtype=dtype,
        lanes=lanes,
        group=min(lanes, 8 if isa.registers >= 32 else 4),
        tile=tile_of(isa),
    )


class Heads:
    """Where the matrices of one head lie: those of views, by name, that a kernel has as its arguments in their order.

    `axes` are the sizes of the leading axes, over which views broadcast.
    """

    def __init__(self, b: Builder, axes: tuple[int, ...], **views: View | None) -> None:
        self._b, self._axes = b, axes
        self._views = {name: view for name, view in views.items() if view is not None}
        self._indices: list[Value] = []

    @property
    def views(self) -> tuple[View, ...]:
        """The arguments."""
        return tuple(self._views.values())

    def places(self, *names: str) -> tuple[int, ...]:
        """The positions of arguments, of those that are there."""
        return tuple(place for place, name in enumerate(self._views) if name in names)

    def has(self, name: str) -> bool:
        """Whether there is such a view."""
        return name in self._views

    def enter(self, head: Value) -> None:
        """Turns to a head, given by its number."""
        b = self._b
        self._indices = []
        for size in reversed(self._axes):
            self._indices.insert(0, b.operate("urem", head, b.index(size)))
            head = b.operate("udiv", head, b.index(size))

    def __getitem__(self, name: str) -> Matrix:
        """The matrix of the head in a view. The last two axes of a view (a mask) may broadcast too."""
        b, view = self._b, self._views[name]
        strides = strides_over(view, len(self._axes) + 2)
        place = b.index(0)
        for index, stride in zip(self._indices, strides, strict=False):
            if stride:
                place = b.add(place, b.mul(index, b.index(stride)))
        argument = list(self._views).index(name)
        pointer = b.offset(b.pointer(argument), place, STORED[view.dtype])
        return Matrix(pointer, view.dtype, view.shape[-1] if view.shape else 1, *strides[-2:])


def strides_over(view: View, axes: int) -> tuple[int, ...]:
    """The strides of a view over more axes: 0 along those over which it is broadcast."""
    own = tuple(0 if size == 1 else stride for size, stride in zip(view.shape, view.strides, strict=True))
    return (0,) * (axes - len(own)) + own


class RowNumbers:
    """One number for each row, in scratch: those of a tile lie together, and those of a group of rows in one vector."""

    def __init__(self, b: Builder, problem: Problem, memory: Value) -> None:
        self._b, self._problem, self.memory = b, problem, memory

    @staticmethod
    def room(problem: Problem, rows: int) -> int:
        """How many elements of scratch memory hold the numbers of so many rows."""
        return parts_of(rows, problem.tile.height) * parts_of(problem.tile.height, problem.group) * problem.lanes

    def vector(self, tile_row: Value, row: int) -> Value:
        """The address of the numbers of a group, given by its first row in the tile that begins with a row."""
        return self._place(tile_row, row // self._problem.group * self._problem.lanes)

    def scalar(self, tile_row: Value, row: int) -> Value:
        """The address of the number of one row of a tile."""
        group = self._problem.group
        return self._place(tile_row, row // group * self._problem.lanes + row % group)

    def any(self, row: Value) -> Value:
        """The address of the number of a row."""
        b, problem = self._b, self._problem
        height, group = b.index(problem.tile.height), b.index(problem.group)
        within = b.operate("urem", row, height)
        place = b.mul(b.operate("udiv", row, height), b.index(self.room(problem, 1)))
        place = b.add(place, b.mul(b.operate("udiv", within, group), b.index(problem.lanes)))
        return b.offset(self.memory, b.add(place, b.operate("urem", within, group)), problem.element)

    def _place(self, tile_row: Value, number: int) -> Value:
        b, problem = self._b, self._problem
        tile = b.operate("udiv", tile_row, b.index(problem.tile.height))
        place = b.add(b.mul(tile, b.index(self.room(problem, 1))), b.index(number))
        return b.offset(self.memory, place, problem.element)


def parts_of(count: int, size: int) -> int:
    """How many parts of a size cover a count."""
    return -(-count // size) if count else 0


def rounded(count: int, size: int) -> int:
    """A count up to a multiple of a size."""
    return parts_of(count, size) * size
