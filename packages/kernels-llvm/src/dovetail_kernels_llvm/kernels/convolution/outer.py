"""Sums over pixels of products of channels with columns: the kernel of the cotangent of filters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, SIZES, STORED, vector
from ..kernel import View, c_strides
from .epilogue import vector_counts
from .geometry import Axis
from .halo import Halo, copy_halo
from .indices import Index, digits, each, greatest, least, minus, plus, quotient, times, value, weighted
from .sums import SPLAT, Level, TileSums, merged

ALL, JOINED, CHANNELS, TAPS = "all", "joined", "channels", "taps"
"""What the rows of sums run over: all taps and channels at once; the taps of the last axis and channels, which lie side
by side in the input; channels; the taps of the last axis, for one channel, or where each channel has its filters."""


TURNED = "turned"
"""A kind of sums besides SPLAT and PAIRED: lanes are channels, and rows the few columns of the cotangent, each spread
over them. In what Outer says of it, channels and columns have changed places."""


@record
class Rows:
    """The rows of a tile: `count` of them of a run of `total`."""

    run: str
    count: int
    total: int


@record
class Outer:
    """The work of one kernel.

    x: (batch, *spatial, groups · channels); cotangent: (batch, *output, groups · columns); `held`: channels in a
    block; `halo`: the copy of a block of x, None where it is read in place; `copied`: whether panels of the cotangent
    are copied; `is_clipped`: whether pixels whose tap lies outside are left out; `vectors`: of a panel; `sizes`,
    `counts`: of blocks, by axis of pixels; `panel_groups`: in how many parts the panels are given to tasks; `splits`:
    in how many parts the blocks are.
    """

    axes: tuple[Axis, ...]
    before: tuple[int, ...]
    x: View
    cotangent: View
    halo: Halo | None
    copied: bool
    kind: str
    is_clipped: bool
    groups: int
    channels: int
    columns: int
    held: int
    rows: Rows
    vectors: int
    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    panel_groups: int
    splits: int

    @property
    def task_sizes(self) -> tuple[int, ...]:
        channel_groups = -(-self.channels // self.held) if self.kind == SPLAT else 1
        return (self.groups, self.splits, self.panel_groups, channel_groups)


def outer_text(isa: ISA, outer: Outer) -> tuple[str, int]:
    """The kernel, whose arguments are x, the cotangent and the sums: (splits, *window, channels, groups · columns); and
    the bytes of memory that a thread needs."""
    emitter = _Emitter(isa, outer)
    return emitter.text(), emitter.scratch_elements * SIZES[emitter.element]


class _Emitter:
    def __init__(self, isa: ISA, outer: Outer) -> None:
        self.outer, self.isa = outer, isa
        self.element = COMPUTED[outer.x.dtype]
        self.lanes = isa.lanes(SIZES[self.element])
        self.width = outer.vectors * self.lanes
        self.panels = -(-outer.columns // self.width)
        self.window = tuple(axis.taps for axis in outer.axes)
        self.all_columns = outer.groups * outer.columns
        # Rows beyond the last are computed, of whatever lies there, and dropped.
        self.in_steps = outer.halo.strides if outer.halo else outer.x.strides[:-1]
        self.row_step = outer.axes[-1].dilation * self.in_steps[-1] if outer.rows.run == TAPS else 1
        beyond = -outer.rows.total % outer.rows.count * self.row_step
        self.copy_from = -(-(outer.halo.size + beyond if outer.halo else 0) // 64) * 64 + 64
        self.scratch_elements = self.copy_from + (prod(outer.sizes) * self.width + 64 if outer.copied else 0)

    def text(self) -> str:
        outer = self.outer
        b = self.b = Builder(self.isa)
        x, cotangent, sums = b.pointer(0), b.pointer(1), b.pointer(2)
        self.group, split, part, self.channel_group = digits(b, b.task, outer.task_sizes)
        self.sums = b.offset(sums, times(b, split, prod(self.window) * outer.channels * self.all_columns), self.element)
        blocks = prod(outer.counts)
        start, stop = self._share(split, outer.splits, blocks)
        each_group = -(-self.panels // outer.panel_groups)
        first_panel = times(b, part, each_group)
        last_panel = least(b, self.panels, plus(b, first_panel, each_group))
        with each(b, start, stop) as block:
            self.is_first = None if blocks == outer.splits else b.compare("eq", value(b, block), value(b, start))
            self._place(digits(b, block, outer.counts))
            if outer.kind == SPLAT:
                channel = weighted(b, (self.group, self.channel_group), (outer.channels, outer.held))
                self.x = self._input(x, channel, outer.channels, times(b, self.channel_group, outer.held))
            with each(b, first_panel, last_panel) as panel:
                if outer.kind != SPLAT:
                    column = times(b, panel, self.width)
                    self.x = self._input(x, column, outer.columns, column)
                self._panel(cotangent, panel)
        return b.text()

    def _share(self, split: Index, splits: int, blocks: int) -> tuple[Index, Index]:
        """The blocks of a part."""
        b = self.b
        if splits == 1:
            return 0, blocks
        if splits == blocks:
            return split, plus(b, split, 1)
        ends = [b.operate("udiv", value(b, times(b, plus(b, split, more), blocks)), b.index(splits)) for more in (0, 1)]
        return ends[0], ends[1]

    def _place(self, blocks: Sequence[Index]) -> None:
        b, outer = self.b, self.outer
        self.starts = [times(b, block, size) for block, size in zip(blocks, outer.sizes, strict=True)]
        self.counts = [
            axis.count if axis.count == size else least(b, size, minus(b, axis.count, start))
            for axis, size, start in zip(outer.axes, outer.sizes, self.starts, strict=True)
        ]

    def _input(self, x: Value, channel: Index, channels: int, before: Index) -> Value:
        """Where window 0 of the block finds tap 0: in the copy, which is made here, or in the input itself."""
        b, outer = self.b, self.outer
        origin = [
            minus(b, times(b, start, axis.stride), out)
            for axis, start, out in zip(outer.axes, self.starts, outer.before, strict=True)
        ]
        stored = STORED[outer.x.dtype]
        if outer.halo is None:
            return b.offset(x, weighted(b, (*origin, channel), outer.x.strides), stored)
        extents = [
            plus(b, times(b, minus(b, count, 1), axis.stride), max(axis.taps - 1, 0) * axis.dilation + 1)
            for axis, count in zip(outer.axes, self.counts, strict=True)
        ]
        if outer.is_clipped:
            origin = [origin[0], *[0] * (len(origin) - 1)]
            extents = [extents[0], *(axis.size for axis in outer.axes[1:])]
        source = b.offset(x, times(b, channel, outer.x.strides[-1]), stored)
        kept = (
            outer.halo.kept
            if channels % outer.halo.kept == 0
            else least(b, outer.halo.kept, minus(b, channels, before))
        )
        copy_halo(b, outer.halo, b.scratch, source, outer.x, origin, extents, kept)
        return b.scratch

    def _panel(self, cotangent: Value, panel: Index) -> None:
        """All rows of one panel of columns, summed over the pixels of the block."""
        b, outer = self.b, self.outer
        panel_column = times(b, panel, self.width)
        left = minus(b, outer.columns, panel_column)
        full = outer.columns % self.width == 0
        self.vector_counts = [None] * outer.vectors if full else vector_counts(b, left, outer.vectors, self.lanes)
        self.masks = [
            None if count is None else b.tail_mask(value(b, count), self.lanes) for count in self.vector_counts
        ]
        self.column = plus(b, times(b, self.group, outer.columns), panel_column)
        stored = STORED[outer.cotangent.dtype]
        is_turned = outer.kind == TURNED
        column = 0 if is_turned else self.column
        if outer.copied:
            width = outer.channels if is_turned else self.width
            halo = Halo(outer.sizes, width, width, is_inside=True, batch_inside=outer.is_clipped)
            self.cotangent = b.offset(b.scratch, self.copy_from, self.element)
            source = b.offset(cotangent, times(b, column, outer.cotangent.strides[-1]), stored)
            kept = None if full or is_turned else least(b, self.width, left)
            copy_halo(b, halo, self.cotangent, source, outer.cotangent, self.starts, self.counts, kept)
            self.cotangent_steps = halo.strides
        else:
            place = weighted(b, (*self.starts, column), outer.cotangent.strides)
            self.cotangent = b.offset(cotangent, place, stored)
            self.cotangent_steps = outer.cotangent.strides[:-1]
        self.tap_cotangent, self.pixel_counts = self.cotangent, self.counts
        self._taps([])

    def _taps(self, taps: list[Index]) -> None:
        """The loops over the taps that don't belong to the rows of a tile."""
        run = self.outer.rows.run
        looped = 0 if run == ALL else len(self.window) - (1 if run in (JOINED, TAPS) else 0)
        if len(taps) < looped:
            with each(self.b, 0, self.window[len(taps)]) as tap:
                self._taps([*taps, tap])
            return
        self._rows([*taps, *[0] * (len(self.window) - looped)])

    def _rows(self, taps: Sequence[Index]) -> None:
        b, outer = self.b, self.outer
        dilated = [axis.dilation * step for axis, step in zip(outer.axes, self.in_steps, strict=True)]
        x = b.offset(self.x, weighted(b, taps, dilated), self.element)
        if outer.is_clipped:
            x = self._clip(taps)
        tap = weighted(b, taps, c_strides(self.window))
        channel: Index = times(b, self.channel_group, outer.held) if outer.kind == SPLAT else 0
        row = plus(b, times(b, tap, outer.channels), channel)
        place = plus(b, times(b, row, self.all_columns), self.column)
        sums = b.offset(self.sums, place, self.element)
        rows = outer.rows
        if outer.kind == TURNED:
            self._tile(x, sums, range(rows.total), rows.total)
            return
        if rows.run == ALL:
            numbers = [
                sum(one * step for one, step in zip(tap, dilated, strict=True)) + channel
                for tap in product(*map(range, self.window))
                for channel in range(outer.channels)
            ]
            self._tile(x, sums, numbers, rows.total)
            return
        limit: Index = rows.total
        if rows.run == CHANNELS and outer.channels % outer.held:
            limit = least(b, rows.total, minus(b, outer.channels, channel))
        with each(b, 0, rows.total, rows.count) as start:
            self._tile(
                b.offset(x, times(b, start, self.row_step), self.element),
                b.offset(sums, times(b, start, self.all_columns), self.element),
                [number * self.row_step for number in range(rows.count)],
                minus(b, limit, start),
            )

    def _clip(self, taps: Sequence[Index]) -> Value:
        """Finds the pixels whose tap lies inside; gives where the first of them has it."""
        b, outer = self.b, self.outer
        place, cotangent_place = [], []
        self.pixel_counts = list(self.counts)
        for number, (axis, tap, out) in enumerate(zip(outer.axes, taps, outer.before, strict=True)):
            first: Index = 0
            if number:
                # Window q's tap lies at q·stride + shift.
                shift = minus(b, times(b, tap, axis.dilation), out)
                first = quotient(b, greatest(b, minus(b, axis.stride - 1, shift), 0), axis.stride)
                stop = quotient(b, greatest(b, minus(b, axis.size + axis.stride - 1, shift), 0), axis.stride)
                self.pixel_counts[number] = greatest(b, minus(b, least(b, stop, axis.count), first), 0)
                place.append(plus(b, times(b, first, axis.stride), shift))
            else:
                place.append(0)
            cotangent_place.append(first)
        self.tap_cotangent = b.offset(self.cotangent, weighted(b, cotangent_place, self.cotangent_steps), self.element)
        return b.offset(self.x, weighted(b, place, self.in_steps), self.element)

    def _tile(self, x: Value, sums: Value, places: Sequence[int], left: Index) -> None:
        """A tile of sums, of whose rows there are `left`."""
        b, outer = self.b, self.outer
        levels: list[Level] = [
            (count, axis.stride * step, cotangent_step)
            for count, axis, step, cotangent_step in zip(
                self.pixel_counts, outer.axes, self.in_steps, self.cotangent_steps, strict=True
            )
        ]
        if outer.is_clipped:
            levels = [*levels[1:], levels[0]]
        if outer.kind == TURNED:
            turned = [(count, cotangent_step, step) for count, step, cotangent_step in levels]
            sums_of = TileSums(b, SPLAT, self.element, places, outer.vectors)
            computed = sums_of.compute(self.tap_cotangent, x, merged(turned))
        else:
            sums_of = TileSums(b, outer.kind, self.element, places, outer.vectors)
            computed = sums_of.compute(x, self.tap_cotangent, merged(levels))
        if self.is_first is None:
            self._stored(sums, len(places), left, computed, add=False)
            return
        kept = [b.variable(one) for one in computed]
        with b.when(self.is_first):
            self._stored(sums, len(places), left, [one.get() for one in kept], add=False)
        with b.when(b.operate("xor", self.is_first, b.constant("i1", 1))):
            self._stored(sums, len(places), left, [one.get() for one in kept], add=True)

    def _stored(self, sums: Value, rows: int, left: Index, computed: Sequence[Value], *, add: bool) -> None:
        b, vectors = self.b, self.outer.vectors
        for row in range(rows):
            some = computed[row * vectors : (row + 1) * vectors]
            if isinstance(left, Value) and self.outer.rows.total % rows == 0 and not self._is_ragged():
                left = rows
            if isinstance(left, int):
                if row < left:
                    self._row(sums, row, some, add=add)
            else:
                with b.when(b.compare("sgt", left, b.index(row))):
                    self._row(sums, row, some, add=add)

    def _is_ragged(self) -> bool:
        return self.outer.rows.run == CHANNELS and self.outer.channels % self.outer.held != 0

    def _row(self, sums: Value, row: int, computed: Sequence[Value], *, add: bool) -> None:
        b = self.b
        type_ = vector(self.element, self.lanes)
        for number, (one, mask) in enumerate(zip(computed, self.masks, strict=True)):
            place = b.offset(sums, row * self.all_columns + number * self.lanes, self.element)
            if add:
                before = b.load(type_, place) if mask is None else b.masked_load(type_, place, mask)
                one = b.add(before, one)
            if mask is None:
                b.store(one, place)
            else:
                b.masked_store(one, place, mask)
