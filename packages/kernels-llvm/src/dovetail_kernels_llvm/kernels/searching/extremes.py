"""Where the greatest or least element of each line is: `argmax`, `argmin`. The first of equals; NaN beats all."""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record, replace

from ...codegen.builder import Builder, Value, Variable
from ...codegen.isa import ISA
from ...codegen.types import SIZES, STORED, vector
from ..copies import copy_launches
from ..copies.lines import Piece, in_groups
from ..copies.nests import Nest, coalesced, cut, displacement, spread, task_count
from ..kernel import Kernel, Launch, View, traffic
from .ordering import compared_type, is_beyond, load_compared

SOURCE, TARGET = 0, 1

ACCUMULATORS = 4
"""Vectors of a line that are looked at side by side: each waits for the comparison before it."""

Allocate = Callable[[str, tuple[int, ...]], View]


@record
class Search:
    """What is looked for along lines of a length, whose elements lie `step` apart."""

    dtype: str
    greatest: bool
    length: int
    step: int

    @property
    def place_type(self) -> str:
        """The type of places while searching: as wide as the values, so that vectors of both are alike."""
        return "i32" if SIZES[compared_type(self.dtype)] == 4 and self.length < 1 << 31 else "i64"


def extreme_launches(
    isa: ISA, source: View, target: View, axis: int | None, allocate: Allocate, *, greatest: bool
) -> list[Launch]:
    """`argmax` where `greatest`, else `argmin`.

    source: any strides, the axis not empty; target: int64, with the axis left out or of size 1. `axis` None: the place
    in the flattened source. Whole lines are tasks.
    """
    if axis is None:
        return _flat(isa, source, target, allocate, greatest=greatest)
    if target.size == 0:
        return []
    others = [place for place in range(len(source.shape)) if place != axis]
    written = others if len(target.shape) == len(source.shape) else range(len(others))
    lines = coalesced(
        [source.shape[place] for place in others],
        [source.strides[place] for place in others],
        [target.strides[place] for place in written],
    )
    search = Search(source.dtype, greatest, source.shape[axis], source.strides[axis])
    b = Builder(isa)
    moved = traffic(source, target)
    lanes = isa.lanes(SIZES[compared_type(source.dtype)])
    wanted = cut(moved, lines.size)
    if search.step == 1 and search.length >= lanes:
        tasks = _write_dense(b, search, lines, lanes, wanted)
    else:

        def emit(read: Value, write: Value, pieces: tuple[Piece, ...]) -> None:
            _write_lines(b, search, read, write, pieces)

        tasks = in_groups(b, lines, lanes, wanted, emit)
    what = f"arg{'max' if greatest else 'min'} of {'×'.join(map(str, source.shape))}, axis {axis}"
    return [Launch(Kernel(b.text(), what), (source, target), (TARGET,), tasks=tasks, flops=source.size, bytes=moved)]


def _flat(isa: ISA, source: View, target: View, allocate: Allocate, *, greatest: bool) -> list[Launch]:
    """The place among all elements in C order."""
    nest = coalesced(source.shape, source.strides)
    before: list[Launch] = []
    if len(nest.shape) > 1:
        dense = allocate(source.dtype, source.shape)
        before, source = copy_launches(isa, source, dense), dense
        nest = Nest((source.size,), ((1,),))
    line = replace(source, shape=nest.shape or (1,), strides=nest.strides[0] or (1,))
    result = replace(target, shape=(), strides=())
    return [*before, *extreme_launches(isa, line, result, 0, allocate, greatest=greatest)]


class _Best:
    """The most extreme elements so far, in lanes, and their places."""

    def __init__(self, b: Builder, search: Search, value: Value, place: Value) -> None:
        self._b, self._search = b, search
        self._value, self._place = b.variable(value), b.variable(place)

    def meet(self, value: Value, place: Value) -> None:
        """Looks at elements that come later."""
        b = self._b
        beyond = is_beyond(b, self._search.dtype, value, self._value.get(), greatest=self._search.greatest)
        _set(b, beyond, self._value, value)
        _set(b, beyond, self._place, place)

    def get(self) -> tuple[Value, Value]:
        return self._value.get(), self._place.get()


def _set(b: Builder, condition: Value, variable: Variable, value: Value) -> None:
    variable.set(b.select(condition, value, variable.get()))


def _merged(b: Builder, search: Search, one: tuple[Value, Value], other: tuple[Value, Value]) -> tuple[Value, Value]:
    """The more extreme of two elements, lane by lane; of equals the one whose place comes first."""
    above = is_beyond(b, search.dtype, other[0], one[0], greatest=search.greatest)
    below = is_beyond(b, search.dtype, one[0], other[0], greatest=search.greatest)
    earlier = b.compare("slt", other[1], one[1])
    true = b.constant(above.type, 1)
    takes = b.operate("or", above, b.operate("and", earlier, b.operate("xor", below, true)))
    return b.select(takes, other[0], one[0]), b.select(takes, other[1], one[1])


def _write_lines(b: Builder, search: Search, read: Value, write: Value, pieces: tuple[Piece, ...]) -> None:
    """A loop along some lines that lie side by side, a line a lane."""
    element, type_ = STORED[search.dtype], search.place_type
    source, target = b.offset(b.pointer(SOURCE), read, element), b.offset(b.pointer(TARGET), write, "i64")
    bests = [
        _Best(
            b,
            search,
            load_compared(b, search.dtype, b.offset(source, piece.read, element), piece.lanes),
            b.constant(vector(type_, piece.lanes), 0),
        )
        for piece in pieces
    ]
    with b.loop(1, search.length) as index:
        here = b.offset(source, b.mul(index, b.index(search.step)), element)
        number = b.convert("trunc", index, type_)
        for piece, best in zip(pieces, bests, strict=True):
            value = load_compared(b, search.dtype, b.offset(here, piece.read, element), piece.lanes)
            best.meet(value, b.splat(number, piece.lanes))
    for piece, best in zip(pieces, bests, strict=True):
        b.store(b.convert("sext", best.get()[1], "i64"), b.offset(target, piece.written, "i64"))


def _write_dense(b: Builder, search: Search, lines: Nest, lanes: int, wanted: int) -> int:
    """Lines whose own elements lie together: vectors of a line are looked at, and their lanes brought together."""
    shape = lines.shape or (1,)
    reads, writes = (steps or (0,) for steps in lines.strides)
    with spread(b, shape, wanted) as at:
        source = b.offset(b.pointer(SOURCE), displacement(b, at, reads), STORED[search.dtype])
        place = _place_in_line(b, search, source, lanes)
        target = b.offset(b.pointer(TARGET), displacement(b, at, writes), "i64")
        b.store(b.convert("sext", place, "i64"), target)
    return task_count(shape, wanted)


def _place_in_line(b: Builder, search: Search, source: Value, lanes: int) -> Value:
    type_ = search.place_type
    numbers = b.lane_numbers(type_, lanes)

    def element(index: Value) -> tuple[Value, Value]:
        value = load_compared(b, search.dtype, b.offset(source, index, STORED[search.dtype]), lanes)
        return value, b.add(b.splat(b.convert("trunc", index, type_), lanes), numbers)

    count = min(ACCUMULATORS, search.length // lanes)
    bests = [_Best(b, search, *element(b.index(k * lanes))) for k in range(count)]
    whole = search.length - search.length % (count * lanes)
    with b.loop(count * lanes, whole, count * lanes) as index:
        for k, best in enumerate(bests):
            best.meet(*element(b.add(index, b.index(k * lanes))))
    # What is left: whole vectors, and one that begins among those before it.
    left = [*range(whole, search.length - lanes + 1, lanes)]
    left += [search.length - lanes] if search.length % lanes else []
    for k, start in enumerate(left):
        bests[k % count].meet(*element(b.index(start)))
    best_of_all = bests[0].get()
    for best in bests[1:]:
        best_of_all = _merged(b, search, best_of_all, best.get())
    while best_of_all[0].lanes > 1:
        halves = [_half(b, value, upper=upper) for upper in (False, True) for value in best_of_all]
        best_of_all = _merged(b, search, (halves[0], halves[1]), (halves[2], halves[3]))
    return best_of_all[1]


def _half(b: Builder, value: Value, *, upper: bool) -> Value:
    """The lower or upper half of a vector's lanes."""
    half = value.lanes // 2
    if half == 1:
        return b.extract(value, int(upper))
    return b.shuffle(value, value, range(half * upper, half * upper + half))
