"""How a product is cut: into tiles that the registers hold, and tiles into tasks."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dovetail_protocols.records import record

from ...codegen.isa import ISA
from ...codegen.types import SIZES, STORED
from ..kernel import View
from .copying import Panels
from .description import Matmul
from .parts import Parts, Strips, parts_of

IN_PLACE, BY_TASK, BY_LAUNCH = "in place", "by task", "by launch"
"""How an operand is read: where it lies; from a copy that each task makes of its part in scratch memory; from a copy
that a launch before makes of the whole."""

CACHE_BYTES = 1 << 20
"""What the second-level cache holds of a core whose vectors have 64 bytes; of others, take a quarter."""

TALLEST = 9
"""The most rows of A that a tile reads at a time. Where rows are a multiple of 4096 bytes apart, they share one set of
the first-level cache, which has eight ways or more: with 8 or 9 rows, 117 GFLOP/s were measured; with 14, 90."""

SERIAL_CYCLES = 12_000
"""Work below this stays in one task: handing half of it to a thread that is awake isn't worth it."""

TASK_CYCLES = 250_000
"""What a task should take, about."""


LAUNCH_CYCLES = 5_000
"""What a launch costs, about, whose tasks must be done before others begin."""

COPY_CYCLES = 8
"""What copying a vector to a panel costs, about."""


@record
class Tiling:
    """The cut of a product.

    `element`: the type in which it is computed, in vectors of `lanes`; `rows`: M in tiles; `columns`: N in panels of
    tiles; `depths`: K in blocks, after each of which the sums go to memory; `batch_blocks`, `row_blocks` (of tiles),
    `column_blocks` (of panels): the tasks; `a` and `b`: how the operands are read.
    """

    element: str
    lanes: int
    rows: Parts
    columns: Strips
    depths: Parts
    batch_blocks: Parts
    row_blocks: Parts
    column_blocks: Parts
    a: str
    b: str

    @property
    def tasks(self) -> int:
        return self.batch_blocks.count * self.row_blocks.count * self.column_blocks.count

    def a_panels(self, a: View) -> Panels:
        """A, transposed, in panels."""
        depth = self.depths.total if self.a == BY_LAUNCH else self.depths.largest
        down, along = a.strides[-2:]
        return Panels(a.dtype, (along, down), self.rows, depth, self.element, self.lanes)

    def b_panels(self, b: View) -> Panels:
        """B in panels."""
        depth = self.depths.total if self.b == BY_LAUNCH else self.depths.largest
        down, along = b.strides[-2:]
        return Panels(b.dtype, (down, along), self.columns, depth, self.element, self.lanes)


def choose_tiling(isa: ISA, description: Matmul) -> Tiling:
    """The cut of a product that should take the least time."""
    m, n, k = description.m, description.n, description.k
    element = description.element
    lanes = isa.lanes(SIZES[element])
    (height, vectors), cycles = _best_tile(isa, m, -(-n // lanes), k)
    rows, columns = parts_of(m, height), Strips(n, vectors * lanes)
    depths = Parts(k, 1) if rows.count == 1 else parts_of(k, _depth(isa, description, rows.largest, columns.largest))
    blocks = _tasks(description, rows, columns, cycles)
    a = _place_a(isa, description, columns=blocks[2].count) if k else IN_PLACE
    b = _place_b(isa, description, rows=blocks[1].count) if k else IN_PLACE
    return Tiling(element, lanes, rows, columns, depths, *blocks, a, b)


def cycles_of_tiles(isa: ISA, description: Matmul) -> float:
    """An estimate of the time of one matrix product by tiles, in cycles."""
    m, n, k = description.m, description.n, description.k
    lanes = isa.lanes(SIZES[description.element])
    in_vectors = -(-n // lanes)
    _, cycles = _best_tile(isa, m, in_vectors, k)
    if description.b.strides[-1] != 1:
        cycles += k * in_vectors * (COPY_CYCLES if description.b.strides[-2] == 1 else 2 * lanes)
    return cycles


def _best_tile(isa: ISA, m: int, in_vectors: int, k: int) -> tuple[tuple[int, int], float]:
    """Rows and vectors of the best tile, and the cycles that a product takes in it."""
    estimates = {tile: _cycles(isa, m, in_vectors, k, *tile) for tile in _tiles(isa, m, in_vectors)}
    best = min(estimates, key=estimates.__getitem__)
    return best, estimates[best]


def _tiles(isa: ISA, m: int, in_vectors: int) -> Iterator[tuple[int, int]]:
    """Every (rows, vectors) whose sums, one row of B and one element of A fit the registers."""
    spare = 1 if isa.fma else 2
    for vectors in range(1, min(in_vectors, isa.registers // 2) + 1):
        tallest = min(TALLEST, m, max(1, (isa.registers - vectors - spare) // vectors))
        for height in range(1, tallest + 1):
            yield height, vectors


def _cycles(isa: ISA, m: int, in_vectors: int, k: int, height: int, vectors: int) -> float:
    """An estimate of the time of one matrix product in tiles of this size.

    A step of a tile takes as long as its multiplications, its loads or the latency of a sum, and a little for what the
    caches must deliver; then come the start and end of each tile, and something for each loop that must be compiled.
    """
    total, bodies = 0.0, 0
    size = isa.vector_bytes / 64
    rate = 1 if size == 1 else 2  # multiplications in a cycle
    for tiles, tall in _sizes(parts_of(m, height)):
        for panels, wide in _sizes(Strips(in_vectors, vectors)):
            step = max(tall * wide / rate, 0.5 * tall + wide * size, 4.5) + 0.2 + 0.03 * tall + 0.1 * wide * size
            total += tiles * panels * (k * step + 2 * tall * wide * size + 20)
            bodies += 1
    return total * (1 + 0.012 * bodies)


def _sizes(cut: Parts | Strips) -> list[tuple[int, int]]:
    """How many parts there are of each size."""
    return [(last - first, size) for first, last, size in cut.kinds()]


def _cache_bytes(isa: ISA) -> int:
    """How much memory may be read again and again: a block of operands, or what rows that are read in place span."""
    return CACHE_BYTES if isa.vector_bytes == 64 else CACHE_BYTES // 4


def _depth(isa: ISA, description: Matmul, height: int, width: int) -> int:
    """How much of K is done at a time, so that a panel of B and some tiles of A stay in the cache."""
    most = _cache_bytes(isa) // 2 // (SIZES[description.element] * (width + 4 * height))
    return max(256, most // 64 * 64) if description.k > most else max(description.k, 1)


def task_count(cycles: float, traffic_bytes: float) -> int:
    """How many tasks work should be cut into that takes so long to compute, and reads so much memory: one, or an even
    number."""
    cycles = max(cycles, traffic_bytes / 8)
    if cycles <= SERIAL_CYCLES:
        return 1
    return 2 * max(1, min(32, round(cycles / TASK_CYCLES / 2)))


def _tasks(d: Matmul, rows: Parts, columns: Strips, cycles: float) -> tuple[Parts, Parts, Parts]:
    """Blocks of batches, of tiles and of panels."""
    batches, tiles, panels = prod(d.batch), rows.count, columns.count
    size = SIZES[d.element]
    wanted = task_count(batches * cycles, batches * (d.m * d.k + d.k * d.n) * size)
    if batches >= wanted:
        return Parts(batches, wanted), Parts(tiles, 1), Parts(panels, 1)
    wanted = -(-wanted // batches)

    def cost(cut: tuple[int, int]) -> float:
        """What two threads take, by the results of the largest task, and what all tasks read. B counts twice, since its
        panels are narrow."""
        down, across = (min(one, most) for one, most in zip(cut, (tiles, panels), strict=True))
        rounds = -(-batches * down * across // 2) / batches
        largest = -(-tiles // down) * rows.largest * -(-panels // across) * columns.largest
        return rounds * largest * size / 64 + (2 * d.n * down + d.m * across) * size / 64

    cuts = [(down, -(-wanted // down)) for down in range(1, min(tiles, wanted) + 1)]
    enough = min(wanted, tiles * panels) / 4
    down, across = min((cut for cut in cuts if cut[0] * min(panels, cut[1]) >= enough), key=cost)
    return Parts(batches, batches), Parts(tiles, min(tiles, down)), Parts(panels, min(panels, across))


def _place_a(isa: ISA, description: Matmul, *, columns: int) -> str:
    """A is read in place unless it must be converted, or lies so that each element is on a cache line of its own."""
    a, k, n, element = description.a, description.k, description.n, description.element
    down, along = a.strides[-2:]
    far = abs(along) * k * SIZES[element] > _cache_bytes(isa) and n >= 4 * isa.vector_bytes
    gaps = abs(down) != 1 and n >= 128
    if STORED[a.dtype] == element and (along in (0, 1) or not (far or gaps)):
        return IN_PLACE
    return _copied(columns, k * -(-description.m // isa.lanes(SIZES[element])))


def _place_b(isa: ISA, description: Matmul, *, rows: int) -> str:
    """B is read in place where its rows are contiguous, and near each other or used little."""
    b, k, m, n, element = description.b, description.k, description.m, description.n, description.element
    down, along = b.strides[-2:]
    far = abs(down) * k * SIZES[element] > _cache_bytes(isa) and m >= 4 * isa.vector_bytes
    if STORED[b.dtype] == element and (along == 1 or n == 1) and not far:
        return IN_PLACE
    return _copied(rows, k * -(-n // isa.lanes(SIZES[element])))


def _copied(tasks: int, vectors: int) -> str:
    """Who copies an operand of so many vectors of which several tasks read the same part: each of them, if that takes
    less time than another launch."""
    return BY_TASK if (tasks - 1) * vectors * COPY_CYCLES < LAUNCH_CYCLES else BY_LAUNCH
