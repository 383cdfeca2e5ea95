"""How a product is cut: into tiles that the registers hold, and tiles into tasks."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dovetail_protocols.records import record

from ...codegen.isa import ISA
from ...codegen.types import SIZES, STORED
from ..kernel import View
from .description import Matmul
from .parts import Parts, parts_of

IN_PLACE, BY_TASK, BY_LAUNCH = "in place", "by task", "by launch"
"""How an operand is read: as it lies; from a copy that each task makes in its scratch memory; from a copy that a
launch of its own makes first."""

CACHE_BYTES = 1 << 20
"""What a core's second-level cache holds."""

SERIAL_CYCLES = 60_000
"""Work below this stays in one task: waking a thread isn't worth it."""

TASK_CYCLES = 250_000
"""What a task should take, about."""


@record
class Tiling:
    """The cut of a product of one element type on one instruction set.

    `rows`: M in tiles; `vectors` (of `lanes` elements): the width of a panel of tiles; `panels`: how many whole ones
    there are, after which a panel of `tail_vectors` follows. `depths`: K in blocks, after each of which the sums go to
    memory. `batch_blocks`, `row_blocks` (of tiles), `column_blocks` (of panels): the tasks.
    """

    element: str
    lanes: int
    rows: Parts
    vectors: int
    panels: int
    tail_vectors: int
    depths: Parts
    batch_blocks: Parts
    row_blocks: Parts
    column_blocks: Parts
    a: str
    b: str

    @property
    def width(self) -> int:
        """The columns of a panel."""
        return self.vectors * self.lanes

    @property
    def all_panels(self) -> int:
        return self.panels + (self.tail_vectors > 0)

    def padded(self, depth: int) -> int:
        """The rows that a copy of a panel has room for."""
        return -(-depth // self.lanes) * self.lanes

    @property
    def tasks(self) -> int:
        return self.batch_blocks.count * self.row_blocks.count * self.column_blocks.count


def choose_tiling(isa: ISA, description: Matmul) -> Tiling:
    """The cut of a product that should take the least time."""
    m, n, k = description.m, description.n, description.k
    element = description.element
    lanes = isa.lanes(SIZES[element])
    in_vectors = -(-n // lanes)
    height, vectors = min(_tiles(isa, m, in_vectors), key=lambda tile: _cycles(m, in_vectors, k, *tile))
    rows = parts_of(m, height)
    panels, tail_vectors = divmod(in_vectors, vectors)
    if tail_vectors == 0 and n % lanes:
        panels, tail_vectors = panels - 1, vectors
    depths = parts_of(max(k, 1), _depth(rows.largest, vectors * lanes, k, SIZES[element]))
    all_panels = panels + (tail_vectors > 0)
    batches = prod(description.batch)
    cycles = m * in_vectors * max(k, 4)
    batch_blocks, row_blocks, column_blocks = _tasks(batches, rows, all_panels, cycles)
    b = IN_PLACE if k == 0 else _place(description.b, n, element, row_blocks.count)
    a = IN_PLACE if STORED[description.a.dtype] == element or k == 0 else BY_TASK
    return Tiling(
        element, lanes, rows, vectors, panels, tail_vectors, depths, batch_blocks, row_blocks, column_blocks, a, b
    )


def _tiles(isa: ISA, m: int, in_vectors: int) -> Iterator[tuple[int, int]]:
    """Every (rows, vectors) whose sums, one row of B and one element of A fit the registers."""
    spare = 1 if isa.fma else 2
    for vectors in range(1, min(in_vectors, 16) + 1):
        tallest = (isa.registers - vectors - spare) // vectors
        for height in range(1, min(m, tallest) + 1):
            yield height, vectors


def _cycles(m: int, in_vectors: int, k: int, height: int, vectors: int) -> float:
    """An estimate of the time of a product in tiles of this size.

    A step of a tile takes as long as its multiplications, its loads or the latency of a sum; then come what the caches
    must deliver, the start and end of each tile, and a little for each loop that must be compiled.
    """
    rows = parts_of(m, height)
    total = 0.0
    bodies = 0
    for tiles, tall in ((rows.larger, rows.largest), (rows.count - rows.larger, rows.smallest)):
        for panels, wide in ((in_vectors // vectors, vectors), (1, in_vectors % vectors)):
            if tiles and panels and wide and tall:
                step = max(tall * wide, 0.5 * tall + wide, 6) + 0.02 * tall + 0.08 * wide
                total += tiles * panels * (k * step + 2 * tall * wide + 20)
                bodies += 1
    return total * (1 + 0.004 * bodies)


def _depth(height: int, width: int, k: int, size: int) -> int:
    """How much of K is done at a time, so that a panel of B and some tiles of A stay in the cache."""
    most = CACHE_BYTES // 2 // (size * (width + 4 * height))
    return max(256, most // 64 * 64) if k > most else max(k, 1)


def _tasks(batches: int, rows: Parts, panels: int, cycles: float) -> tuple[Parts, Parts, Parts]:
    """Blocks of batches, of tiles and of panels."""
    total = cycles * batches
    if total <= SERIAL_CYCLES:
        return Parts(batches, 1), Parts(rows.count, 1), Parts(panels, 1)
    wanted = max(2, min(64, round(total / TASK_CYCLES)))
    wanted += wanted % 2
    if batches >= wanted:
        return Parts(batches, wanted), Parts(rows.count, 1), Parts(panels, 1)
    wanted = -(-wanted // batches)
    across = min(panels, max(1, round((wanted * panels / rows.count) ** 0.5)))
    down = min(rows.count, -(-wanted // across))
    return Parts(batches, batches), Parts(rows.count, down), Parts(panels, across)


def _place(b: View, n: int, element: str, sharing: int) -> str:
    if STORED[b.dtype] == element and (b.strides[-1] == 1 or n == 1):
        return IN_PLACE
    return BY_TASK if sharing == 1 else BY_LAUNCH
