"""Running sums and products along an axis, each line from its first element to its last, as NumPy rounds them."""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record

from ..codegen.builder import Builder, Value, Variable
from ..codegen.isa import ISA
from ..codegen.types import COMPUTED, STORED, size_bytes, vector
from ..elementwise import from_memory, to_memory
from .copies.lines import Piece, in_groups
from .copies.nests import coalesced, cut
from .kernel import Kernel, Launch, View, traffic

SOURCE, TARGET = 0, 1


@record
class Scan:
    """How each line is walked: its length, the distances of its elements in source and target."""

    dtype: str
    length: int
    steps: tuple[int, int]
    product: bool
    include_initial: bool

    @property
    def initial(self) -> int:
        return 1 if self.product else 0


def cumulative_launches(
    isa: ISA, source: View, target: View, axis: int, *, product: bool = False, include_initial: bool = False
) -> list[Launch]:
    """`cumulative_sum`, or `cumulative_prod` where `product`.

    source and target: any strides; the target's axis is longer by 1 where `include_initial`. Half precision is summed
    in single. Whole lines are tasks; a single line is one task.
    """
    if target.size == 0:
        return []
    others = [place for place in range(len(source.shape)) if place != axis]
    lines = coalesced(*([of[place] for place in others] for of in (source.shape, source.strides, target.strides)))
    scan = Scan(
        source.dtype, source.shape[axis], (source.strides[axis], target.strides[axis]), product, include_initial
    )
    b = Builder(isa)
    moved = traffic(source, target)

    def emit(read: Value, write: Value, pieces: tuple[Piece, ...]) -> None:
        _write_lines(b, scan, b.offset(b.pointer(SOURCE), read, STORED[scan.dtype]), target_at(write), pieces)

    def target_at(place: Value) -> Value:
        return b.offset(b.pointer(TARGET), place, STORED[scan.dtype])

    lanes = isa.lanes(max(4, size_bytes(scan.dtype)))
    tasks = in_groups(b, lines, lanes, cut(2 * moved, lines.size), emit)
    what = f"running {'product' if product else 'sum'} of {'×'.join(map(str, source.shape))}, axis {axis}"
    return [Launch(Kernel(b.text(), what), (source, target), (TARGET,), tasks=tasks, flops=source.size, bytes=moved)]


def _write_lines(b: Builder, scan: Scan, source: Value, target: Value, pieces: tuple[Piece, ...]) -> None:
    """The loop along some lines that lie side by side."""
    combine: Callable[[Value, Value], Value] = b.mul if scan.product else b.add
    if scan.include_initial:
        for piece in pieces:
            first = b.constant(vector(COMPUTED[scan.dtype], piece.lanes), scan.initial)
            _store(b, scan, first, target, piece)
        target = b.offset(target, scan.steps[1], STORED[scan.dtype])
    if scan.length == 0:
        return
    sums: list[Variable] = []
    for piece in pieces:
        sums.append(b.variable(_load(b, scan, source, piece)))
        _store(b, scan, sums[-1].get(), target, piece)
    with b.loop(1, scan.length) as index:
        here = b.offset(source, b.mul(index, b.index(scan.steps[0])), STORED[scan.dtype])
        there = b.offset(target, b.mul(index, b.index(scan.steps[1])), STORED[scan.dtype])
        for piece, total in zip(pieces, sums, strict=True):
            total.set(combine(total.get(), _load(b, scan, here, piece)))
            _store(b, scan, total.get(), there, piece)


def _load(b: Builder, scan: Scan, source: Value, piece: Piece) -> Value:
    element = STORED[scan.dtype]
    return from_memory(b, scan.dtype, b.load(vector(element, piece.lanes), b.offset(source, piece.read, element)))


def _store(b: Builder, scan: Scan, value: Value, target: Value, piece: Piece) -> None:
    b.store(to_memory(b, scan.dtype, value), b.offset(target, piece.written, STORED[scan.dtype]))
