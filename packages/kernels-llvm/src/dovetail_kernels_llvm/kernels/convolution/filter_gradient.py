"""The cotangent of a convolution's filters: for each tap, products of the input's channels with the cotangent's
columns, summed over pixels.

Both are read as they lie, pixel by pixel. Where there are few filters, pixels are given to tasks in parts, whose sums a
second launch adds up in a fixed order.
"""

from __future__ import annotations

from math import prod

from dovetail_protocols.records import replace

from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, SIZES, STORED
from ..kernel import Kernel, Launch, View, traffic
from .combining import combine
from .descriptions import FilterGradient
from .geometry import Axis, forward_pass
from .halo import Halo
from .outer import ALL, JOINED, TAPS, TURNED, Outer, Rows, outer_text
from .outer import CHANNELS as CHANNELS_RUN
from .packing import Allocate
from .sums import PAIRED, SPLAT
from .tiles import (
    CLIPPED_CHANNELS,
    FEW_COLUMNS,
    WIDEST,
    broadcast_cost,
    most_accumulators,
    tasks_wanted,
    vector_cost,
)

BLOCK_BYTES = 288 << 10
"""What the input and the cotangent of a block may take together, so that they stay in the level-2 cache."""

CHANNELS = 64
"""About how many channels of the input a block holds."""

CLIPPED_SHARE = 0.97
"""Up to this share of taps inside the image, those outside are left out. It costs a copy of the cotangent."""

FEW_TASKS = 4

FAR_BYTES = 512
"""A panel of the cotangent is copied where pixels are further apart: it would keep to a few sets of the cache."""


def convolution_filter_gradient_launches(isa: ISA, description: FilterGradient, allocate: Allocate) -> list[Launch]:
    """The launches that compute the cotangent of a convolution's filters."""
    result, x = description.result, description.x
    if not result.size:
        return []
    dtype = "float64" if x.dtype == "float64" else "float32"
    shape = result.shape
    if not description.cotangent.size or not x.size:
        return [combine(isa, None, result)]
    outer = _planned(isa, description)
    target = _turned(result) if outer.kind == TURNED else result
    is_plain = outer.splits == 1 and result.dtype == dtype and target.is_contiguous
    sums = result if is_plain else allocate(dtype, (outer.splits, *target.shape))
    arguments = (x, description.cotangent, sums)
    text, scratch = outer_text(isa, outer)
    what = f"conv filter gradient {'×'.join(map(str, x.shape))}, filters {'×'.join(map(str, shape))}"
    flops = 2.0 * description.cotangent.size * prod(shape[:-1])
    launch = Launch(Kernel(text, what, scratch), arguments, (2,), prod(outer.task_sizes), flops, traffic(*arguments))
    return [launch] if is_plain else [launch, combine(isa, sums, target)]


def _turned(filters: View) -> View:
    """Filters whose last two axes have changed places."""
    return replace(
        filters,
        shape=(*filters.shape[:-2], filters.shape[-1], filters.shape[-2]),
        strides=(*filters.strides[:-2], filters.strides[-1], filters.strides[-2]),
    )


def _planned(isa: ISA, description: FilterGradient) -> Outer:
    x, cotangent, result, groups = description.x, description.cotangent, description.result, description.groups
    work = forward_pass(x.shape[0], x.shape[1:-1], description.grid)
    axes, before = work.axes, work.phases[0].before
    channels, columns = result.shape[-2], result.shape[-1] // groups
    kind = SPLAT
    if groups > 1 and channels == columns == 1:
        kind, columns, groups = PAIRED, groups, 1
    size = SIZES[COMPUTED[x.dtype]]
    lanes = isa.lanes(size)
    if groups == 1 and kind == SPLAT and columns <= FEW_COLUMNS and 2 * channels >= lanes:
        kind, channels, columns = TURNED, columns, channels
    inside = prod(work.share(place) for place in range(len(axes)))
    is_clipped = kind == SPLAT and channels >= CLIPPED_CHANNELS and inside <= CLIPPED_SHARE
    rows, vectors, held = _tile(isa, axes, channels, columns, lanes, kind, is_clipped)
    width = vectors * lanes
    panels = -(-columns // width)
    image = prod(axis.size for axis in axes[1:]) * held + prod(axis.count for axis in axes[1:]) * width
    if is_clipped and image * size > BLOCK_BYTES:
        is_clipped = False
        rows, vectors, held = _tile(isa, axes, channels, columns, lanes, kind, is_clipped)
        width = vectors * lanes
        panels = -(-columns // width)
    copied_x = is_clipped or not _is_direct(x) or any(work.reaches_out(place) for place in range(len(axes)))
    # Rows beyond the last are read, too.
    copied_x |= rows.total % rows.count != 0
    if kind != SPLAT:
        copied_x |= columns % width != 0
    else:
        copied_x |= channels % held != 0 or (rows.run == JOINED and x.strides[-2] != channels)
    copied_cotangent = is_clipped or not _is_direct(cotangent)
    is_far = panels > 2 and cotangent.strides[-2] * size > FAR_BYTES
    copied_cotangent |= kind != TURNED and (columns % width != 0 or is_far)
    wanted = tasks_wanted(2.0 * cotangent.size * prod(result.shape[:-1]), traffic(x, cotangent))
    apart = groups * (-(-channels // held) if kind == SPLAT else 1)
    panel_groups = min(panels, max(-(-wanted // apart), 1))
    panel_groups = -(-panels // -(-panels // panel_groups))
    # Parts are worth it as long as adding up their sums moves less than they read, and where tasks are few.
    most = max(int(traffic(x, cotangent) / (2 * result.size * size)), FEW_TASKS // (apart * panel_groups), 1)
    splits = min(max(wanted // (apart * panel_groups), 1), most)
    x_channels = held if kind == SPLAT else width
    sizes = _block(axes, x_channels * size, width * size, splits, only_batch=is_clipped)
    counts = tuple(-(-axis.count // one) for axis, one in zip(axes, sizes, strict=True))
    halo = None
    if copied_x:
        shape = tuple(axis.span(one) for axis, one in zip(axes, sizes, strict=True))
        if is_clipped:
            shape = (sizes[0], *(axis.size for axis in axes[1:]))
        kept = held if kind == SPLAT else min(x_channels, columns)
        halo = Halo(shape, x_channels, kept, is_inside=is_clipped, batch_inside=is_clipped)
    return Outer(
        axes,
        before,
        x,
        cotangent,
        halo,
        copied_cotangent,
        kind,
        is_clipped,
        groups,
        channels,
        columns,
        held,
        rows,
        vectors,
        sizes,
        counts,
        panel_groups,
        min(splits, prod(counts)),
    )


def _tile(
    isa: ISA, axes: tuple[Axis, ...], channels: int, columns: int, lanes: int, kind: str, is_clipped: bool
) -> tuple[Rows, int, int]:
    """The rows and vectors of a tile, and how many channels a block holds."""
    taps = prod(axis.taps for axis in axes)
    last = axes[-1].taps
    needed = -(-columns // lanes)
    if kind == TURNED:
        vectors = min(needed, WIDEST, (isa.registers - 2) // (channels + 1))
        return Rows(CHANNELS_RUN, channels, channels), -(-needed // -(-needed // vectors)), channels
    held = channels if channels <= CHANNELS * 3 // 2 else -(-channels // -(-channels // CHANNELS))
    cost = broadcast_cost(isa) if kind == SPLAT else vector_cost(isa)
    best, least = (Rows(CHANNELS_RUN, 1, held), 1, held), float("inf")
    for vectors in range(1, min(needed, WIDEST) + 1):
        most = most_accumulators(isa, vectors)
        if kind == PAIRED:
            run, total = TAPS, last
        elif is_clipped:
            run, total = CHANNELS_RUN, held
        elif taps * channels <= most:
            run, total = ALL, taps * channels
        elif held == channels and (axes[-1].dilation == 1 or last == 1):
            run, total = JOINED, last * channels
        elif channels == 1:
            run, total = TAPS, last
        else:
            run, total = CHANNELS_RUN, held
        loops = taps * (1 if kind == PAIRED else channels) / total  # of the rows of a run
        for count in [total] if run == ALL else range(1, min(most, total) + 1):
            spent = loops * -(-total // count) * cost(count, vectors) * -(-needed // vectors)
            if spent < least * 0.999:
                best, least = (Rows(run, count, total), vectors, held), spent
    return best


def _is_direct(view: View) -> bool:
    """Whether a view's channels can be read as they lie."""
    return COMPUTED[view.dtype] == STORED[view.dtype] and view.strides[-1] == 1


def _block(
    axes: tuple[Axis, ...], x_bytes: int, cotangent_bytes: int, least: int, *, only_batch: bool
) -> tuple[int, ...]:
    """The sizes of blocks: whole axes, but for the first ones, which are cut until a block fits the cache, and until
    there are at least so many."""
    sizes = [axis.count for axis in axes]

    def fits() -> bool:
        held = x_bytes * prod(axis.span(size) for axis, size in zip(axes, sizes, strict=True))
        blocks = prod(-(-axis.count // size) for axis, size in zip(axes, sizes, strict=True))
        return held + cotangent_bytes * prod(sizes) <= BLOCK_BYTES and blocks >= least

    for place in range(1 if only_batch else len(axes)):
        parts = 1
        while sizes[place] > 1 and not fits():
            parts += 1
            sizes[place] = -(-axes[place].count // parts)
    return tuple(sizes)
