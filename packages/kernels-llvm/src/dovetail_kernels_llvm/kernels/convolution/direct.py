"""Direct convolution: tiles of pixels × columns in registers, summed over the window in the input as it lies.

A task computes a block of pixels: it copies what the block's windows see into the memory of its thread (see halo), or
reads the input in place where no window reaches over the border, and goes over the panels of filters.
Source: Georganas et al. 2018, Anatomy of high-performance deep learning convolutions on SIMD architectures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, SIZES, STORED, vector
from ..cluster import Cluster
from ..kernel import Kernel, Launch, View, traffic
from .epilogue import Epilogue, effort, vector_counts, views_of
from .geometry import Pass
from .halo import Halo, copy_halo
from .indices import Index, chosen, digits, each, greatest, least, minus, plus, quotient, times, value, weighted
from .packing import Panels
from .runs import zero_run
from .sums import DOTS, PAIRED, Level, TileSums, merged
from .tiles import Cut, Tile

UNROLLED_EPILOGUE = 160
"""Up to so many instructions the epilogue is written out for each vector of a tile; beyond, it is a loop."""


@record
class Direct:
    """A convolution for one kernel.

    `x`: (batch, *spatial, groups · channels); `steps`: of the sum for each tap; `columns`: of the result, in a group;
    `kind`: how products are made (see sums); `parts`: in how many parts channels are summed, so that the filters
    of one stay in the cache for all pixels of a block; `halo`: the copy of a block, None where the input
    is read in place.
    """

    work: Pass
    x: View
    groups: int
    channels: int
    steps: int
    columns: int
    panels: Panels
    kind: str
    tile: Tile
    cut: Cut
    parts: int
    halo: Halo | None
    epilogue: Cluster
    what: str


def direct_launch(isa: ISA, direct: Direct) -> Launch:
    """The launch that computes the convolution."""
    emitter = _Emitter(isa, direct)
    text = emitter.text()
    arguments = (direct.x, direct.panels.view, *views_of(direct.epilogue))
    stores = len(direct.epilogue.stores)
    taps = sum(prod(phase.taps) for phase in direct.work.phases)
    return Launch(
        Kernel(text, direct.what, emitter.scratch_elements * SIZES[emitter.element]),
        arguments,
        tuple(range(len(arguments) - stores, len(arguments))),
        prod(emitter.task_sizes),
        2.0 * direct.work.pixels * taps * direct.channels * direct.columns * direct.groups,
        traffic(*arguments),
    )


class _Emitter:
    """Writes the kernel, from the task down to the tile."""

    def __init__(self, isa: ISA, direct: Direct) -> None:
        self.direct, self.isa = direct, isa
        self.element = COMPUTED[direct.x.dtype]
        self.lanes = isa.lanes(SIZES[self.element])
        self.axes = direct.work.axes
        self.vectors = 1 if direct.kind == DOTS else direct.tile.vectors
        self.width = self.vectors * self.lanes
        self.panels = -(-direct.columns // self.width)
        self.task_sizes = (len(direct.work.phases), direct.groups, direct.cut.panel_groups, *direct.cut.counts)
        written = effort(direct.epilogue) * self.vectors * direct.tile.size
        self.is_kept = direct.parts > 1 or written > UNROLLED_EPILOGUE
        # A copy may run over by less than a vector.
        self.kept_from = -(-(direct.halo.size if direct.halo else 0) // 64) * 64 + 64
        kept = (prod(direct.cut.sizes) if direct.parts > 1 else direct.tile.size) * self.width
        self.scratch_elements = self.kept_from + (kept if self.is_kept else 0)

    # ------------------------------------------------------------------ task

    def text(self) -> str:
        """The kernel."""
        direct, axes = self.direct, self.axes
        b = self.b = Builder(self.isa)
        x, filters = b.pointer(0), b.pointer(1)
        self.epilogue = Epilogue(b, direct.epilogue, 2)
        self.phase, self.group, part, *blocks = digits(b, b.task, self.task_sizes)
        self.starts = [times(b, block, size) for block, size in zip(blocks, direct.cut.sizes, strict=True)]
        self.counts = [
            axis.count if axis.count == size else least(b, size, minus(b, axis.count, start))
            for axis, size, start in zip(axes, direct.cut.sizes, self.starts, strict=True)
        ]
        self.first = [
            self._of_phase([phase.first[place] for phase in direct.work.phases]) for place in range(len(axes))
        ]
        self.in_steps = direct.halo.strides if direct.halo else direct.x.strides[:-1]
        each_group = -(-self.panels // direct.cut.panel_groups)
        start = times(b, part, each_group)
        stop = least(b, self.panels, plus(b, start, each_group))
        self.x = self._input(x, start)
        self.filter_steps = self._filter_steps()
        skipped = self._of_phase(self._steps_before())
        with each(b, start, stop) as panel:
            strides = (direct.panels.group_stride, direct.panels.panel_stride, direct.panels.step)
            self.filters = b.offset(filters, weighted(b, (self.group, panel, skipped), strides), self.element)
            self._panel(panel, minus(b, panel, start))
        return b.text()

    def _of_phase(self, numbers: Sequence[int]) -> Index:
        return chosen(self.b, self.phase, numbers)

    def _steps_before(self) -> list[int]:
        """For each phase, how many steps of the sum lie before its own in the filters."""
        found, total = [], 0
        for phase in self.direct.work.phases:
            found.append(total)
            total += prod(phase.taps) * self.direct.steps
        return found

    def _filter_steps(self) -> list[Index]:
        """How far apart the filters of neighboring taps are, by axis."""
        steps: list[Index] = [self.direct.steps * self.direct.panels.step]
        for place in reversed(range(1, len(self.axes))):
            taps = self._of_phase([phase.taps[place] for phase in self.direct.work.phases])
            steps.append(times(self.b, steps[-1], taps))
        return steps[::-1]

    def _input(self, x: Value, panel: Index) -> Value:
        """Where window 0 of the block finds tap 0: in the copy, which is made here, or in the input itself."""
        b, direct = self.b, self.direct
        paired = direct.kind == PAIRED
        channel = times(b, panel, self.width) if paired else times(b, self.group, direct.channels)
        before = [self._of_phase([p.before[place] for p in direct.work.phases]) for place in range(len(self.axes))]
        # The coordinates, in the input, of window 0's tap 0.
        self.origin = origin = [
            minus(b, times(b, start, axis.stride), out)
            for axis, start, out in zip(self.axes, self.starts, before, strict=True)
        ]
        if direct.halo is None:
            return b.offset(x, weighted(b, (*origin, channel), direct.x.strides), STORED[direct.x.dtype])
        extents = [
            plus(b, times(b, minus(b, count, 1), axis.stride), (max(axis.taps, 1) - 1) * axis.dilation + 1)
            for axis, count in zip(self.axes, self.counts, strict=True)
        ]
        source = b.offset(x, times(b, channel, direct.x.strides[-1]), STORED[direct.x.dtype])
        kept = least(b, direct.halo.kept, minus(b, direct.columns, channel)) if paired else None
        copy_halo(b, direct.halo, b.scratch, source, direct.x, origin, extents, kept)
        return b.scratch

    # ------------------------------------------------------------------ panel

    def _panel(self, panel: Index, relative: Index) -> None:
        """All pixels of the block, for one panel of columns. `relative`: its number among those of the task."""
        b, direct = self.b, self.direct
        column = times(b, panel, self.width)
        self.column = plus(b, times(b, self.group, direct.columns), column)
        full = direct.columns % self.width == 0
        left = minus(b, direct.columns, column)
        self.vector_counts = [None] * self.vectors if full else vector_counts(b, left, self.vectors, self.lanes)
        self.panel_x = self.x
        if direct.kind == PAIRED:
            self.panel_x = b.offset(self.x, times(b, relative, self.width), self.element)
        if direct.parts == 1:
            self._tiles(self._whole)
            return
        zero_run(b, self.element, self._kept(()), prod(direct.cut.sizes) * self.width)
        length = -(-direct.steps // direct.parts)
        with b.loop(0, direct.steps, length) as start:
            count = length if direct.steps % length == 0 else least(b, length, minus(b, direct.steps, start))
            self._tiles(lambda origin, size: self._part(origin, size, start, count))
        self._tiles(lambda origin, size: self._finish(origin, size, self._kept(origin)))

    def _tiles(self, body: Callable[[Sequence[Index], int], None]) -> None:
        """Calls body(origin, length) for all tiles of the block; origins are counted from the block's."""
        b, tile = self.b, self.direct.tile
        rest = self.axes[tile.axis].count % tile.lengths[tile.axis]

        def along(origin: list[Index], length: int) -> None:
            place = len(origin)
            if place == len(self.axes):
                body(origin, length)
                return
            count, step = self.counts[place], tile.lengths[place]
            if place != tile.axis:
                with each(b, 0, count, step) as index:
                    along([*origin, index], length)
                return
            whole = minus(b, count, _remainder(b, count, step))
            if not (isinstance(whole, int) and whole == 0):
                with each(b, 0, whole, step) as index:
                    along([*origin, index], step)
            if isinstance(count, int) and isinstance(whole, int):
                if count > whole:
                    along([*origin, whole], rest)
            elif rest:
                with b.when(b.compare("slt", value(b, whole), value(b, count))):
                    along([*origin, whole], rest)

        along([], tile.lengths[tile.axis])

    # ------------------------------------------------------------------ tile

    def _sums(
        self,
        origin: Sequence[Index],
        length: int,
        channels: tuple[Index, Index],
        initial: list[Value] | None = None,
    ) -> list[Value]:
        """The sums of a tile over some steps of each tap: the first one's number, and how many."""
        b, direct = self.b, self.direct
        strides = [step * axis.stride for step, axis in zip(self.in_steps, self.axes, strict=True)]
        place = weighted(b, origin, strides)
        filter_place: Index = 0
        levels: list[Level] = []
        for number, axis in enumerate(self.axes):
            step, filter_step = self.in_steps[number] * axis.dilation, self.filter_steps[number]
            low, count = self._inside(number, origin[number])
            place = plus(b, place, times(b, low, step))
            filter_place = plus(b, filter_place, times(b, low, filter_step))
            levels.append((count, step, filter_step))
        step = self.lanes if direct.kind == DOTS else 1
        place = plus(b, place, times(b, channels[0], step))
        filter_place = plus(b, filter_place, times(b, channels[0], direct.panels.step))
        levels.append((channels[1], step, direct.panels.step))
        pixels = direct.tile.pixels(length)
        places = [sum(index * stride for index, stride in zip(pixel, strides, strict=True)) for pixel in pixels]
        x, filters = b.offset(self.panel_x, place, self.element), b.offset(self.filters, filter_place, self.element)
        sums = TileSums(b, direct.kind, self.element, places, direct.tile.vectors)
        return sums.compute(x, filters, merged(levels), initial)

    def _inside(self, place: int, window: Index) -> tuple[Index, Index]:
        """The first tap along an axis, and how many: without those beyond the border where the tile agrees on it."""
        b, direct, axis = self.b, self.direct, self.axes[place]
        taps = self._of_phase([phase.taps[place] for phase in direct.work.phases])
        if not direct.tile.clips(direct.work, place):
            return 0, taps
        first = plus(b, self.origin[place], times(b, window, axis.stride))
        more = axis.dilation - 1
        low = quotient(b, greatest(b, minus(b, more, first), 0), axis.dilation)
        high = quotient(b, greatest(b, minus(b, axis.size + more, first), 0), axis.dilation)
        return low, greatest(b, minus(b, least(b, high, taps), low), 0)

    def _whole(self, origin: Sequence[Index], length: int) -> None:
        """A tile from its sums to its results."""
        sums = self._sums(origin, length, (0, self.direct.steps))
        if self.is_kept:
            kept = self.b.offset(self.b.scratch, self.kept_from, self.element)
            for number, one in enumerate(sums):
                self.b.store(one, self.b.offset(kept, number * self.lanes, self.element))
            self._finish(origin, length, kept)
            return
        self._begin(origin)
        for number, pixel in enumerate(self.direct.tile.pixels(length)):
            row = sums[number * self.vectors : (number + 1) * self.vectors]
            self.epilogue.pixel(self._result(pixel), row.__getitem__)

    def _part(self, origin: Sequence[Index], length: int, start: Index, count: Index) -> None:
        """A part of a tile's sums, over some of the channels, added to what is kept."""
        b = self.b
        kept = self._kept(origin)
        places = [
            b.offset(
                kept,
                sum(i * s for i, s in zip(pixel, self._kept_strides(), strict=True)) + number * self.lanes,
                self.element,
            )
            for pixel in self.direct.tile.pixels(length)
            for number in range(self.vectors)
        ]
        initial = [b.load(vector(self.element, self.lanes), place) for place in places]
        for one, place in zip(self._sums(origin, length, (start, count), initial), places, strict=True):
            b.store(one, place)

    def _finish(self, origin: Sequence[Index], length: int, kept: Value) -> None:
        """The results of a tile whose sums are kept in memory, pixel by pixel."""
        b, tile = self.b, self.direct.tile
        strides = self._kept_strides() if self.direct.parts > 1 else self._tile_strides()
        self._begin(origin)

        def pixels(offsets: list[Index]) -> None:
            place = len(offsets)
            if place < len(self.axes):
                with each(b, 0, length if place == tile.axis else tile.lengths[place]) as index:
                    pixels([*offsets, index])
                return
            row = b.offset(kept, weighted(b, offsets, strides), self.element)
            self.epilogue.pixel(
                self._result(offsets),
                lambda v: b.load(vector(self.element, self.lanes), b.offset(row, v * self.lanes, self.element)),
            )

        pixels([])

    def _begin(self, origin: Sequence[Index]) -> None:
        b = self.b
        results = [
            plus(b, times(b, plus(b, start, place), axis.step), first)
            for axis, start, place, first in zip(self.axes, self.starts, origin, self.first, strict=True)
        ]
        self.epilogue.begin(results, self.column, self.lanes, self.vector_counts)

    def _result(self, offsets: Sequence[Index]) -> list[Index]:
        return [times(self.b, offset, axis.step) for offset, axis in zip(offsets, self.axes, strict=True)]

    def _kept(self, origin: Sequence[Index]) -> Value:
        """Where the sums of the block's tile are kept between the parts."""
        place = weighted(self.b, origin, self._kept_strides()[: len(origin)])
        return self.b.offset(self.b.scratch, plus(self.b, place, self.kept_from), self.element)

    def _kept_strides(self) -> list[int]:
        sizes = self.direct.cut.sizes
        return [prod(sizes[place + 1 :]) * self.width for place in range(len(sizes))]

    def _tile_strides(self) -> list[int]:
        lengths = self.direct.tile.lengths
        return [prod(lengths[place + 1 :]) * self.width for place in range(len(lengths))]


def _remainder(b: Builder, count: Index, length: int) -> Index:
    if isinstance(count, int):
        return count % length
    return 0 if length == 1 else b.operate("urem", count, b.index(length))
