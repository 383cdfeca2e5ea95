"""Which kernels compute a convolution or its input gradient."""

from __future__ import annotations

from math import prod

from dovetail_protocols.records import record, replace

from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, SIZES, STORED
from ..cluster import Cluster
from ..kernel import Launch, View, traffic
from .descriptions import Convolution, InputGradient
from .direct import Direct, direct_launch
from .geometry import Pass, forward_pass, gradient_passes
from .halo import Halo
from .packing import Allocate, Filters, Panels, in_place, pack, pack_dots
from .sums import DOTS, PAIRED, SPLAT
from .tiles import FEW_COLUMNS, Tile, broadcast_cost, choose_tile, cut, tasks_wanted, vector_cost

FEW_PIXELS = 64
"""Up to so many pixels, packing filters costs more than it saves."""

FILTER_BYTES = 320 << 10
"""What filters of one panel may take, so that they stay in the cache for all pixels of a block."""

WIDE_STEP = 256
"""Filters whose steps are further apart, in bytes, are packed where many pixels use them: they would keep to a few
sets of the cache, and to a page for every few steps."""


def convolution_launches(isa: ISA, description: Convolution, allocate: Allocate) -> list[Launch]:
    """The launches that compute a convolution and its epilogue."""
    x, filters, groups = description.x, description.filters, description.groups
    *_, channels, columns = filters.shape
    *steps, channel_stride, column_stride = filters.strides
    work = forward_pass(x.shape[0], x.shape[1:-1], description.grid)
    each = columns // groups
    read = Filters(
        filters,
        tuple(sum(t * s for t, s in zip(tap, steps, strict=True)) for tap in work.order),
        groups,
        each * column_stride,
        channels,
        channel_stride,
        each,
        column_stride,
    )
    sizes = "×".join(map(str, x.shape))
    what = f"conv {sizes}, filters {'×'.join(map(str, filters.shape))}"
    return _launches(isa, _Job(work, x, read, description.epilogue, what), allocate)


def convolution_input_gradient_launches(isa: ISA, description: InputGradient, allocate: Allocate) -> list[Launch]:
    """The launches that compute the cotangent of a convolution's input, and its epilogue."""
    cotangent, filters, groups = description.cotangent, description.filters, description.groups
    *_, columns, channels = filters.shape
    *steps, column_stride, channel_stride = filters.strides
    launches: list[Launch] = []
    each = channels // groups
    for work in gradient_passes(cotangent.shape[0], description.sizes, description.grid):
        read = Filters(
            filters,
            tuple(sum(t * s for t, s in zip(tap, steps, strict=True)) for tap in work.order),
            groups,
            each * channel_stride,
            each,
            channel_stride,
            columns,
            column_stride,
        )
        what = f"conv input gradient {'×'.join(map(str, cotangent.shape))}, filters {'×'.join(map(str, filters.shape))}"
        launches += _launches(isa, _Job(work, cotangent, read, description.epilogue, what), allocate)
    return launches


@record
class _Job:
    work: Pass
    x: View
    filters: Filters
    epilogue: Cluster
    what: str


def _launches(isa: ISA, job: _Job, allocate: Allocate) -> list[Launch]:
    work, filters = job.work, job.filters
    if not work.pixels or not filters.columns or not filters.groups:
        return []
    lanes = isa.lanes(SIZES[COMPUTED[job.x.dtype]])
    if filters.groups > 1 and filters.channels == filters.columns == 1:
        filters = replace(filters, groups=1, group_stride=0, columns=filters.groups, column_stride=filters.group_stride)
        kind = PAIRED
    elif filters.columns <= min(FEW_COLUMNS, lanes) and filters.channels >= lanes:
        kind = DOTS
    else:
        kind = SPLAT
    return _planned(isa, job, filters, kind, lanes, allocate)


def _planned(isa: ISA, job: _Job, filters: Filters, kind: str, lanes: int, allocate: Allocate) -> list[Launch]:
    work = job.work
    steps = -(-filters.channels // lanes) if kind == DOTS else filters.channels
    tile = _tile(isa, job, filters, kind, lanes, steps)
    width = lanes if kind == DOTS else tile.vectors * lanes
    panels = -(-filters.columns // width)
    launches, packed = _panels(isa, work, filters, kind, width, allocate)
    size = SIZES[COMPUTED[job.x.dtype]]
    channels = panels * width if kind == PAIRED else steps * lanes if kind == DOTS else filters.channels
    inside = _reads_inside(job, filters, tile, kind, lanes, width)
    parts = _parts(work, tile, steps, width * size) if kind == SPLAT else 1
    flops = 2.0 * work.pixels * len(filters.taps) * filters.channels * filters.columns * filters.groups
    held = channels * size / (parts if inside else 1)
    filter_bytes = len(filters.taps) * steps * panels * width * size
    moved = traffic(job.x) + work.pixels * len(work.phases) * filters.groups * filters.columns * size
    wanted = tasks_wanted(flops, moved)
    division = cut(work.axes, tile, held, filter_bytes, wanted, panels, filters.groups * len(work.phases))
    if prod(division.sizes) <= tile.size:
        parts = 1
    halo = None
    if not inside:
        shape = tuple(axis.span(one) for axis, one in zip(work.axes, division.sizes, strict=True))
        if kind == PAIRED:
            channels = -(-panels // division.panel_groups) * width
            halo = Halo(shape, channels, min(channels, filters.columns))
        else:
            halo = Halo(shape, channels, filters.channels, kind == DOTS)
    direct = Direct(
        work,
        job.x,
        filters.groups,
        filters.channels,
        steps,
        filters.columns,
        packed,
        kind,
        tile,
        division,
        parts,
        halo,
        job.epilogue,
        job.what,
    )
    return [*launches, direct_launch(isa, direct)]


def _tile(isa: ISA, job: _Job, filters: Filters, kind: str, lanes: int, steps: int) -> Tile:
    work = job.work
    if kind == DOTS:
        vectors = vector_cost(isa)
        most = max((isa.registers - filters.columns - 1) // filters.columns, 1)
        tile = choose_tile(
            isa, work, lanes, lanes, steps, lambda pixels, _: vectors(pixels, filters.columns), most=most
        )
        return replace(tile, vectors=filters.columns)
    if kind == PAIRED and _is_direct(job.x) and filters.columns % lanes == 0:
        # One pixel's channels, as many as registers hold: nothing is copied, and no tap beyond the border computed.
        needed, most = filters.columns // lanes, (isa.registers - 4) // 2
        together = next(count for count in range(min(needed, most), 0, -1) if needed % count == 0)
        if together > 1:
            return Tile(len(work.axes) - 1, (1,) * len(work.axes), together)
    cost = broadcast_cost(isa) if kind == SPLAT else vector_cost(isa)
    return choose_tile(isa, work, filters.columns, lanes, steps, cost)


def _is_direct(view: View) -> bool:
    """Whether a view's channels can be read as they lie."""
    return COMPUTED[view.dtype] == STORED[view.dtype] and view.strides[-1] == 1


def _panels(
    isa: ISA, work: Pass, filters: Filters, kind: str, width: int, allocate: Allocate
) -> tuple[list[Launch], Panels]:
    """Filters as they are read: as they lie, where they lie well, else packed."""
    if kind == DOTS:
        return pack_dots(isa, filters, width, allocate)
    far = (
        kind == SPLAT
        and filters.channel_stride * SIZES[STORED[filters.view.dtype]] > WIDE_STEP
        and work.pixels > FEW_PIXELS
    )
    found = None if far or len(work.phases) > 1 else in_place(filters, width)
    return ([], found) if found is not None else pack(isa, filters, width, allocate)


def _parts(work: Pass, tile: Tile, steps: int, width_bytes: int) -> int:
    """In how many parts channels are summed, for filters that are too large for the cache."""
    taps = prod(axis.taps for axis in work.axes)
    parts = -(-taps * steps * width_bytes // FILTER_BYTES)
    if parts <= 1 or (len(work.phases) > 1 and taps > steps):
        return 1
    parts = min(parts, max(steps // 8, 1))
    return next((more for more in range(parts, 2 * parts) if steps % more == 0), parts)


def _reads_inside(job: _Job, filters: Filters, tile: Tile, kind: str, lanes: int, width: int) -> bool:
    """Whether the input can be read in place: no window reaches over a border, other than with taps that are left out,
    and channels lie side by side, as many as are read."""
    work = job.work
    if not _is_direct(job.x):
        return False
    if (kind == DOTS and filters.channels % lanes) or (kind == PAIRED and filters.columns % width):
        return False
    return not any(work.reaches_out(place) and not tile.clips(work, place) for place in range(len(work.axes)))
