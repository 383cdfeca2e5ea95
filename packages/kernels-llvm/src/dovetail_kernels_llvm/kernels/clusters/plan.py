"""How a cluster is computed: in vectors of how many lanes along which axis, in how many tasks."""

from __future__ import annotations

from math import prod

from dovetail_protocols.records import record

from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, FLOATING, SIZES, size_bytes
from ..cluster import COLUMN, CONSTANT, FULL, INDEX, LOAD, ONE, ROW, Cluster
from ..kernel import View
from .costs import EXPENSIVE, nanoseconds, weight
from .normal import prefers_rows, views_of
from .phases import Phases, phases_of
from .stages import FEW_ROWS, LONG_COLUMNS
from .staging import ROW_TILES, lying_across
from .terms import COLUMNS, ROWS, cone, is_reduction, reaches, used_reductions, variation

STREAMED_BYTES = 8 << 20
"""Outputs that are larger than this together would only push other data out of the cache."""

MOST_TASKS = 64
MOST_PARTIALS = 32
"""Tasks of a reduction whose partial results another launch brings together."""
TASK_NANOSECONDS = 50_000
SMALL_NANOSECONDS = 30_000
"""Less work than this is not worth the start of a second thread."""

LEAST_COLUMNS = 1024
"""Columns of a task, where rows are cut: less is not worth a task."""
REACHED_ROWS = 64
"""So many rows or fewer are reduced within each task, which then has columns to itself."""

HELD_VECTORS = 8
HELD_INSTRUCTIONS = 200
"""A row of so few vectors, and of so few instructions, is held in registers and its loops written out."""


@record
class Plan:
    """How a cluster is computed.

    `lanes` lie along columns, or with `down` along the last axis of rows. A *unit* is a row, or with `down` a vector of
    rows. `unrolls`: for each pass how many vectors one iteration has. `held`: rows are short enough to be held in
    registers, with all loops over columns written out. `masked`: a rest of lanes is masked, not taken one by one.
    `flat`: there are no rows, all lies contiguously, and how many columns there are is an argument. `hoisted`: terms of
    columns alone that each task computes once. `streamed`: numbers of stores that go past the cache.
    `staged`: views that are transposed in scratch memory; a unit is then a block of rows.
    """

    lanes: int
    unrolls: tuple[int, ...]
    down: bool
    held: bool
    masked: bool
    flat: bool
    units: int
    units_per_task: int
    columns_per_task: int
    phases: Phases
    hoisted: tuple[int, ...]
    streamed: tuple[int, ...]
    staged: tuple[View, ...]
    columns: int

    @property
    def row_tasks(self) -> int:
        return -(-self.units // self.units_per_task)

    @property
    def column_tasks(self) -> int:
        return -(-self.columns // self.columns_per_task)

    @property
    def step(self) -> int:
        """Columns of a vector."""
        return 1 if self.down else self.lanes


def tasks_for(isa: ISA, cluster: Cluster) -> int:
    """Into how many tasks the work of a cluster is worth cutting."""
    time = nanoseconds(isa, cluster)
    return 1 if time < SMALL_NANOSECONDS else max(2, min(MOST_TASKS, -(-int(time) // TASK_NANOSECONDS)))


def plan(isa: ISA, cluster: Cluster) -> Plan:
    """How to compute a cluster in normal form that no launch needs to be waited for in."""
    spaces = {term.space for term in cluster.terms if is_reduction(term)}
    down = ROW in spaces and COLUMN not in spaces and prefers_rows(cluster)
    along = cluster.rows[-1] if down else cluster.columns
    lanes = isa.lanes(_lane_bytes(cluster))
    narrowest = min((size_bytes(view.dtype) for view in views_of(cluster)), default=4)
    # Only the widest vectors come with masks for narrow lanes.
    masked = isa.masked and (narrowest >= 4 or isa.vector_bytes == 64)
    flat = (
        not cluster.rows
        and not used_reductions(cluster)
        and all(view.strides[-1] in (0, 1) for view in views_of(cluster))
    )
    if down:
        lanes *= _registers(isa, cluster, lanes)
    if not flat:
        lanes = min(lanes, 1 << max(along - 1, 0).bit_length())
    rows = cluster.rows
    staged = () if down else lying_across(cluster, lanes)
    if staged:
        rows = (*cluster.rows[:-1], -(-cluster.rows[-1] // (ROW_TILES * lanes)))
    units = prod(cluster.rows[:-1]) * -(-cluster.rows[-1] // lanes) if down else prod(rows)
    units_per_task, columns_per_task = _shares(isa, cluster, units, 4 * lanes, down)
    held = not flat and not staged and columns_per_task == cluster.columns and _is_held(cluster, lanes, down, masked)
    width = 0 if held else cluster.columns * (lanes if down else 1)
    phases = phases_of(cluster, width)
    hoisted = () if down or held or units_per_task < 4 else _hoisted(cluster)
    return Plan(
        lanes,
        _unrolls(cluster, phases, hoisted, down),
        down,
        held,
        masked,
        flat,
        units,
        units_per_task,
        columns_per_task,
        phases,
        hoisted,
        () if down else _streamed(cluster, phases),
        staged,
        cluster.columns,
    )


def _lane_bytes(cluster: Cluster) -> int:
    """The size of the elements that fill a register: of the widest floating-point ones, else of the widest."""
    varies = variation(cluster)
    dtypes = [
        term.dtype
        for place, term in enumerate(cluster.terms)
        if term.operation not in (CONSTANT, INDEX) and varies[place] | ({COLUMNS} if is_reduction(term) else set())
    ]
    floating = [dtype for dtype in dtypes if dtype in FLOATING]
    return max((SIZES[COMPUTED[dtype]] for dtype in floating or dtypes), default=4)


def _unroll(instructions: int) -> int:
    """How many vectors one iteration has: many where little is done with each."""
    return 4 if instructions <= 16 else 2 if instructions <= 64 else 1


def _registers(isa: ISA, cluster: Cluster, lanes: int) -> int:
    """How many registers side by side make a vector of rows: cache lines that lie together are used together."""
    total = weight(cluster, range(len(cluster.terms)))
    count = 4 if total <= 64 else 2 if total <= 160 else 1
    enough = min(tasks_for(isa, cluster), FEW_ROWS)
    while count > 1 and prod(cluster.rows) < enough * count * lanes:
        count //= 2
    return count


def _unrolls(cluster: Cluster, phases: Phases, hoisted: tuple[int, ...], down: bool) -> tuple[int, ...]:
    """How many vectors one iteration of each pass has."""
    if down:
        return (1,) * len(phases.passes)
    varies = variation(cluster)
    found = []
    for number, phase in enumerate(phases.passes):

        def is_there(place: int, number: int = number) -> bool:
            return COLUMNS not in varies[place] or place in hoisted or phases.is_there(place, number)

        inside, border = reaches(cluster, phase.roots(cluster), is_there)
        found.append(_unroll(weight(cluster, [*inside, *phase.reductions]) + len(border) + len(phase.stores)))
    return tuple(found)


def _is_held(cluster: Cluster, lanes: int, down: bool, masked: bool) -> bool:
    count = cluster.columns if down else -(-cluster.columns // lanes)
    rest = cluster.columns % lanes
    if rest and not down and not masked:
        count += rest - 1
    total = weight(cluster, range(len(cluster.terms)))
    return count <= HELD_VECTORS and (count == 1 or count * total <= HELD_INSTRUCTIONS)


def _shares(isa: ISA, cluster: Cluster, units: int, step: int, down: bool) -> tuple[int, int]:
    """How many units and how many columns a task has."""
    columns = cluster.columns
    tasks = tasks_for(isa, cluster)
    spaces = {term.space for term in cluster.terms if is_reduction(term)}
    if COLUMN in spaces or ONE in spaces:
        tasks = min(tasks, MOST_PARTIALS)
    if ROW in spaces:
        long = units < min(tasks, FEW_ROWS) and columns >= LONG_COLUMNS and not used_reductions(cluster)
        if not long:
            return -(-units // tasks), columns
        tasks = min(tasks, MOST_PARTIALS)
    by_columns = COLUMN in spaces and units <= REACHED_ROWS
    row_tasks = 1 if by_columns else min(units, tasks)
    column_tasks = max(1, min(-(-tasks // row_tasks), columns // (256 if by_columns else LEAST_COLUMNS)))
    if down:
        step = 1
    share = -(-columns // column_tasks)
    return -(-units // row_tasks), min(columns, -(-share // step) * step) if column_tasks > 1 else columns


def _hoisted(cluster: Cluster) -> tuple[int, ...]:
    """The terms of columns alone that take long and that terms of elements need."""
    varies = variation(cluster)
    expensive = [
        place
        for place, term in enumerate(cluster.terms)
        if varies[place] == {COLUMNS}
        and not is_reduction(term)
        and weight(cluster, cone(cluster, [place])) >= EXPENSIVE
        and term.operation not in (LOAD, INDEX)
    ]
    needed = {
        operand
        for place, term in enumerate(cluster.terms)
        if ROWS in varies[place] or is_reduction(term)
        for operand in term.operands
    }
    needed |= {store.term for store in cluster.stores}
    return tuple(place for place in expensive if place in needed)


def _streamed(cluster: Cluster, phases: Phases) -> tuple[int, ...]:
    """The stores that go past the cache: large ones of what nobody reads again soon."""
    loaded = {term.view.buffer for term in cluster.terms if term.view is not None}
    reread = {number for _, number in phases.stored}
    found = []
    total = 0
    for number, store in enumerate(cluster.stores):
        if cluster.terms[store.term].space != FULL:
            continue
        size = size_bytes(store.view.dtype)
        total += size * prod(cluster.rows) * cluster.columns
        aligned = all(stride * size % 64 == 0 for stride in store.view.strides[:-1])
        if store.view.strides[-1] == 1 and aligned and store.view.buffer not in loaded and number not in reread:
            found.append(number)
    return tuple(found) if total >= STREAMED_BYTES else ()
