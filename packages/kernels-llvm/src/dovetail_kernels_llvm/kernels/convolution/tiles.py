"""How a convolution is cut: into tiles that fit the registers, blocks that fit the cache, and tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod

from dovetail_protocols.records import record

from ...codegen.isa import ISA
from .geometry import Axis

BLOCK_BYTES = 288 << 10
"""What a block of the input may take, so that it stays in a level-2 cache of 512 KiB and more beside the filters."""

TASK_FLOPS = 6e6
"""What a task should at least compute: about 50 µs of a core at its limit."""

MOST_TASKS = 24
"""From so many tasks on, more would only mean more borders that blocks share."""


@record
class Tile:
    """What is computed in registers: on the axis `axis` of pixels `length` of them, times all of the axes after it,
    times `vectors` of columns."""

    axis: int
    length: int
    vectors: int

    def pixels(self, axes: Sequence[Axis], length: int | None = None) -> list[tuple[int, ...]]:
        """The indices of its pixels, by axis, in row-major order, for this or another length."""
        found: list[tuple[int, ...]] = [()]
        for place, axis in enumerate(axes):
            count = 1 if place < self.axis else (length or self.length) if place == self.axis else axis.count
            found = [(*head, index) for head in found for index in range(count)]
        return found


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


def tiles(axes: Sequence[Axis], most: int) -> Iterator[tuple[int, int]]:
    """Each axis and length of a tile of at most so many pixels."""
    inner = 1
    for place in reversed(range(len(axes))):
        for length in range(1, min(axes[place].count, most // inner) + 1):
            yield place, length
        inner *= axes[place].count
        if inner > most:
            return


def choose_tile(
    isa: ISA, axes: Sequence[Axis], columns: int, lanes: int, cost: Callable[[int, int], float], widest: int = 6
) -> Tile:
    """The tile with which all pixels and columns are computed soonest. `cost(pixels, vectors)`: cycles of one step."""
    needed = -(-columns // lanes)
    best, least = Tile(len(axes) - 1, 1, 1), float("inf")
    for vectors in range(1, min(needed, widest) + 1):
        for axis, length in tiles(axes, most_accumulators(isa, vectors)):
            inner = prod(one.count for one in axes[axis + 1 :])
            whole, rest = divmod(axes[axis].count, length)
            one = whole * cost(length * inner, vectors) + (cost(rest * inner, vectors) if rest else 0)
            total = one * prod(one.count for one in axes[:axis]) * -(-needed // vectors)
            if total < least * 0.999:
                best, least = Tile(axis, length, vectors), total
    return best


def broadcast_cost(isa: ISA) -> Callable[[int, int], float]:
    """The cycles of a step that multiplies `pixels` broadcast elements with `vectors` of filters: multiply-adds of full
    width, loads, and the vectors that come from the level-2 cache."""

    def cost(pixels: int, vectors: int) -> float:
        stream = 3.0 * vectors * isa.vector_bytes / 64
        return max(pixels * vectors, vectors + 0.6 * pixels, stream, 4) + 0.1 * (pixels + vectors)

    return cost


def vector_cost(isa: ISA) -> Callable[[int, int], float]:
    """The cycles of a step in which each product loads a vector of the input."""

    def cost(pixels: int, vectors: int) -> float:
        return pixels * vectors + vectors + 1.0

    return cost


def cut(axes: Sequence[Axis], tile: Tile, bytes_each: int | None, flops: float, panels: int, groups: int) -> Cut:
    """The blocks and tasks of a work of so many flops. `bytes_each`: of the input, for a pixel, where blocks are
    copied; `groups` (of channels, or phases) are apart in any case."""
    units = [1 if place < tile.axis else tile.length for place in range(tile.axis + 1)]
    counts = [1] * len(axes)

    def size(place: int) -> int:
        if place > tile.axis:
            return axes[place].count
        steps = -(-axes[place].count // units[place])
        return -(-steps // counts[place]) * units[place]

    def split() -> bool:
        """Whether a block could be made smaller, about by half: on the first axis that has more than one tile."""
        for place in range(tile.axis + 1):
            if size(place) > units[place]:
                before = size(place)
                while size(place) == before or size(place) > -(-before // (2 * units[place])) * units[place]:
                    counts[place] += 1
                return True
        return False

    def held() -> int:
        return (bytes_each or 0) * prod(axis.span(size(place)) for place, axis in enumerate(axes))

    def tasks() -> int:
        return groups * prod(-(-axis.count // max(size(place), 1)) for place, axis in enumerate(axes))

    while held() > BLOCK_BYTES and split():
        pass
    wanted = min(max(int(flops / TASK_FLOPS), 1), MOST_TASKS)
    panel_groups = 1
    while tasks() < wanted:
        # Many panels of filters are shared out before blocks get so small that most of their copies are borders.
        if panels >= 4 * panel_groups and prod(size(place) for place in range(len(axes))) <= 64:
            panel_groups *= 2
            if tasks() * panel_groups >= wanted:
                break
        elif not split():
            break
    if tasks() * panel_groups < wanted:
        panel_groups = min(panels, -(-wanted // max(tasks(), 1)))
    sizes = tuple(max(size(place), 1) for place in range(len(axes)))
    return Cut(sizes, tuple(-(-axis.count // one) for axis, one in zip(axes, sizes, strict=True)), panel_groups)
