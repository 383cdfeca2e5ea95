"""How a convolution is cut: into tiles that fit the registers, blocks that fit the cache, and tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod

from dovetail_protocols.records import record

from ...codegen.isa import ISA
from .geometry import Axis, Pass

BLOCK_BYTES = 288 << 10
"""What a block of the input may take, so that it stays in a level-2 cache of 512 KiB and more beside the filters."""

TASK_FLOPS = 6e6
"""What a task should at least compute: about 50 µs of a core at its limit."""

TASK_BYTES = 256 << 10
"""What a task should at least read and write, if it computes less than that: about as long."""

MOST_TASKS = 24
"""From so many tasks on, more would only mean more borders that blocks share."""

CLIPPED_CHANNELS = 16
"""From so many channels on, taps beyond the border are left out along the last axis, too, which parts the loop over the
taps from that over the channels."""

WIDEST = 6
"""The most vectors of a tile."""

FEW_COLUMNS = 4
"""Up to so many columns, lanes are channels where there are enough of them."""

Cost = Callable[[int, int], float]


@record
class Tile:
    """What is computed in registers: `lengths` pixels by axis, times `vectors` of columns. Only on `axis` may the last
    tile be shorter."""

    axis: int
    lengths: tuple[int, ...]
    vectors: int

    @property
    def size(self) -> int:
        """Pixels."""
        return prod(self.lengths)

    def pixels(self, length: int) -> list[tuple[int, ...]]:
        """The indices of its pixels, by axis, in row-major order, where `axis` has this length."""
        lengths = (length if place == self.axis else one for place, one in enumerate(self.lengths))
        return list(product(*map(range, lengths)))

    def clips(self, work: Pass, place: int) -> bool:
        """Whether taps that lie beyond the border of an axis are left out: where all pixels of the tile agree on it."""
        return self.lengths[place] == 1 and work.reaches_out(place)


@record
class Cut:
    """Blocks by axis of pixels (their sizes and how many there are), and in how many groups the panels of columns are
    given to tasks."""

    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    panel_groups: int


def most_accumulators(isa: ISA, vectors: int) -> int:
    """How many pixels a tile of so many vectors may have, so that all of its sums, one step's filters and one element
    of the input stay in registers."""
    return max((isa.registers - vectors - 1) // vectors, 1)


def choose_tile(
    isa: ISA, work: Pass, columns: int, lanes: int, steps: int, cost: Cost, *, most: int | None = None
) -> Tile:
    """The tile with which all pixels and columns are computed soonest. `steps`: of the sum for each tap; `cost(pixels,
    vectors)`: cycles of one step; `most`: pixels, where sums take more room than usual."""
    axes = work.axes
    needed = -(-columns // lanes)
    length = prod(axis.taps for axis in axes) * steps
    shares = [work.share(place) for place in range(len(axes))]
    best, least = Tile(len(axes) - 1, (1,) * len(axes), 1), float("inf")
    for vectors in range(1, min(needed, WIDEST) + 1):
        limit = most_accumulators(isa, vectors) if most is None else most
        for tile in _shapes(axes, limit, vectors, steps):
            inside = prod(share for place, share in enumerate(shares) if tile.clips(work, place))

            def spent(pixels: int, vectors: int = vectors, inside: float = inside) -> float:
                return length * inside * cost(pixels, vectors) + 1.5 * pixels * vectors + 20

            count, whole = axes[tile.axis].count, tile.lengths[tile.axis]
            inner = tile.size // whole
            one = count // whole * spent(whole * inner)
            one += spent(count % whole * inner) if count % whole else 0
            for place, axis in enumerate(axes):
                one *= 1 if place == tile.axis else -(-axis.count // tile.lengths[place])
            if one * -(-needed // vectors) < least * 0.999:
                best, least = tile, one * -(-needed // vectors)
    return best


def _shapes(axes: Sequence[Axis], most: int, vectors: int, steps: int) -> Iterator[Tile]:
    """Tiles of at most so many pixels: parts of one axis times all axes after it; and parts of the batch alone, whose
    pixels have all the same place, so that no tap beyond the border is computed."""
    inner = 1
    for place in reversed(range(len(axes))):
        after = tuple(axis.count for axis in axes[place + 1 :])
        for length in range(1, min(axes[place].count, most // inner) + 1):
            yield Tile(place, (*(1,) * place, length, *after), vectors)
        inner *= axes[place].count
        if inner > most:
            break
    if steps >= CLIPPED_CHANNELS:
        for length in range(2, min(axes[0].count, most) + 1):
            yield Tile(0, (length, *(1,) * (len(axes) - 1)), vectors)


def broadcast_cost(isa: ISA) -> Cost:
    """The cycles of a step that multiplies `pixels` broadcast elements with `vectors` of filters: multiply-adds of full
    width, loads, and the vectors that come from the level-2 cache."""

    # A sum waits 4 cycles for its last product; narrow vectors are multiplied two at a time.
    waiting = 4 if isa.vector_bytes >= 64 else 8

    def cost(pixels: int, vectors: int) -> float:
        stream = 3.0 * vectors * isa.vector_bytes / 64
        return max(pixels * vectors, vectors + 0.6 * pixels, stream, waiting) + 0.1 * (pixels + vectors)

    return cost


def vector_cost(isa: ISA) -> Cost:
    """The cycles of a step in which each product loads a vector of the input."""

    def cost(pixels: int, vectors: int) -> float:
        return max(pixels * vectors, 4) + vectors + 1.0

    return cost


def tasks_wanted(flops: float, traffic_bytes: float) -> int:
    """Into how many tasks a work is best cut."""
    return min(max(int(flops / TASK_FLOPS), int(traffic_bytes / TASK_BYTES), 1), MOST_TASKS)


def cut(
    axes: Sequence[Axis], tile: Tile, bytes_each: float, filter_bytes: int, wanted: int, panels: int, apart: int
) -> Cut:
    """The blocks and tasks of a work, about as many as are `wanted`. `bytes_each`: what a block needs in the cache for
    a pixel of the input; `filter_bytes`: of all panels; `apart`: the groups of channels, times phases, which are tasks
    in any case."""
    counts = [1] * len(axes)

    def size(place: int) -> int:
        unit = tile.lengths[place]
        units = -(-axes[place].count // unit)
        return max(-(-units // counts[place]) * unit, 1)

    def split() -> bool:
        """Makes blocks about half as large, on the first axis that has more than one tile; False if none has."""
        for place in range(len(axes)):
            before = size(place)
            if before > tile.lengths[place]:
                while size(place) > max(before // 2, tile.lengths[place]):
                    counts[place] += 1
                return True
        return False

    def blocks() -> list[int]:
        return [-(-axis.count // size(place)) for place, axis in enumerate(axes)]

    while bytes_each * prod(axis.span(size(place)) for place, axis in enumerate(axes)) > BLOCK_BYTES and split():
        pass

    def shares() -> int:
        """In how many groups panels must be given away to have the tasks that are wanted, if they are enough."""
        return min(panels, -(-wanted // max(apart * prod(blocks()), 1)))

    groups = 1
    if filter_bytes > bytes_each * prod(axis.span(axis.count) for axis in axes):
        groups = shares()  # tasks that share blocks read the filters once, and the smaller input again
    while apart * groups * prod(blocks()) < wanted and split():
        pass
    groups = max(groups, shares())
    groups = -(-panels // -(-panels // max(groups, 1)))
    return Cut(tuple(size(place) for place in range(len(axes))), tuple(blocks()), groups)
