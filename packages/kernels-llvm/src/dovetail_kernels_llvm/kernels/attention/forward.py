"""Attention: for a block of queries, scores of a block of keys, their weights, and the weighted sum of values.

Where more than one block of keys is seen, the greatest score and the sum of a row are carried from block to block, and
what was summed is scaled anew. Source: Dao et al. 2022, FlashAttention, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import size_bytes
from ..kernel import Kernel, Launch, View, traffic
from .counts import Count, minus, plus, smaller, times, value_of
from .description import Attention
from .memory import Matrix, Scratch, fill, read_rows, write_rows
from .problem import Problem, RowNumbers, indices_of, matrix, parts_of, problem
from .product import Left, Right, load_aligned, over_rows, product, store_aligned
from .transposition import Panels
from .weights import LOG2_E, Rows, across, apply_mask, greater, hide, power, sight

QUERIES = 128
"""About as many queries make a block."""

KEYS = 256
"""As many keys make a block, where there are more than WHOLE_KEYS."""

WHOLE_KEYS = 512
"""Up to as many keys are one block."""

TASK_FLOPS = 4e6
"""About as much is done in one task."""


@record
class Blocks:
    """How work is cut: queries and keys of a block, and how many blocks of queries a task computes."""

    queries: int
    keys: int
    items: int

    def count(self, problem: Problem) -> int:
        """How many blocks of queries a head has."""
        return parts_of(problem.queries, self.queries)


def blocks_of(problem: Problem) -> Blocks:
    """How attention is cut into blocks and tasks."""
    count = max(1, round(problem.queries / QUERIES))
    queries = parts_of(parts_of(problem.queries, count), problem.step) * problem.step if count > 1 else problem.queries
    keys = problem.seen_keys if problem.seen_keys <= WHOLE_KEYS else parts_of(KEYS, problem.step) * problem.step
    items = problem.heads * parts_of(problem.queries, queries)
    flops = 2.0 * problem.queries * problem.seen_keys * (problem.size + problem.value_size) / (1 + problem.is_causal)
    each = flops * problem.heads / items
    return Blocks(queries, keys, max(1, min(int(TASK_FLOPS / max(each, 1)), parts_of(items, 8) if each * items > TASK_FLOPS else items)))


def attention_launches(isa: ISA, description: Attention, allocate: Callable[[str, tuple[int, ...]], View]) -> list[Launch]:
    """The launches that compute attention."""
    if description.output.size == 0:
        return []
    views = [description.query, description.key, description.value, description.output]
    writes = [3]
    if description.mask is not None:
        views.append(description.mask)
    if description.statistics is not None:
        writes.append(len(views))
        views.append(description.statistics)
    one = problem(isa, description)
    blocks = blocks_of(one)
    items = one.heads * blocks.count(one)
    flops = 2.0 * one.heads * one.queries * one.seen_keys * (one.size + one.value_size) / (1 + one.is_causal)
    return [
        Launch(
            _Writer(isa, one, blocks, description).kernel(),
            tuple(views),
            tuple(writes),
            tasks=parts_of(items, blocks.items),
            flops=flops,
            bytes=traffic(*views),
        )
    ]


class _Writer:
    """Writes the kernel of attention."""

    def __init__(self, isa: ISA, problem: Problem, blocks: Blocks, description: Attention) -> None:
        self.b = b = Builder(isa)
        self.problem, self.blocks, self.description = problem, blocks, description
        self.is_whole = blocks.keys >= problem.seen_keys
        self.stride = parts_of(blocks.keys, problem.lanes) * problem.lanes
        scratch = self.scratch = Scratch(b, size_bytes(problem.dtype))
        tile, lanes = problem.tile, problem.lanes
        panels = parts_of(blocks.keys, tile.width * lanes) * tile.width * lanes * problem.width
        self.queries = scratch.take(parts_of(blocks.queries, lanes) * lanes * problem.width)
        self.panels = Panels(b, problem.type, tile.width, scratch.take(panels), problem.size)
        self.keys = scratch.take(self.stride * problem.width)
        self.values = scratch.take(self.stride * problem.value_width)
        self.scores = scratch.take(tile.height * self.stride)
        rows = tile.height if self.is_whole else blocks.queries
        self.sums = scratch.take(rows * problem.value_width)
        room = RowNumbers.room(problem, blocks.queries)
        self.greatest = RowNumbers(b, problem, scratch.take(room))
        self.totals = RowNumbers(b, problem, scratch.take(room))
        self.rescale = RowNumbers(b, problem, scratch.take(RowNumbers.slot(problem)))

    def kernel(self) -> Kernel:
        """The kernel: a task computes some blocks of queries."""
        b, problem, blocks = self.b, self.problem, self.blocks
        count = blocks.count(problem)
        items = b.index(problem.heads * count)
        first = b.mul(b.task, b.index(blocks.items))
        with b.loop(first, b.minimum(b.add(first, b.index(blocks.items)), items)) as item:
            # Blocks with most keys to see come first, so that no thread is left with a long task at the end.
            head = b.operate("urem", item, b.index(problem.heads))
            block = b.sub(b.index(count - 1), b.operate("udiv", item, b.index(problem.heads)))
            self._block(head, b.mul(block, b.index(blocks.queries)) if count > 1 else 0)
        what = f"attention {problem.batch} × {problem.queries} × {problem.keys} × {problem.size}"
        return Kernel(b.text(), what + (", causal" if problem.is_causal else ""), self.scratch.size_bytes)

    def _block(self, head: Value, query: Count) -> None:
        b, problem, blocks = self.b, self.problem, self.blocks
        given = self.description
        places = indices_of(b, problem, head)
        views = [given.query, given.key, given.value, given.output, given.mask, given.statistics]
        there = [view for view in views if view is not None]
        matrices = {id(view): matrix(b, problem, view, place, places) for place, view in enumerate(there)}
        self.matrices = [None if view is None else matrices[id(view)] for view in views]
        queries, _, _, output, _, _ = self.matrices
        assert queries is not None and output is not None
        rows = smaller(b, blocks.queries, minus(b, problem.queries, query))
        factor = problem.scale * (LOG2_E if problem.is_log2 else 1)
        read_rows(b, problem.type, queries, value_of(b, query), rows, self.queries, factor)
        seen = smaller(b, problem.keys, plus(b, query, rows)) if problem.is_causal else problem.keys
        if self.is_whole:
            self._keys(query, rows, 0, seen)
            return
        room = RowNumbers.room(problem, blocks.queries)
        fill(b, problem.type, self.sums, 0, blocks.queries * problem.value_width)
        fill(b, problem.type, self.greatest.memory, 0, room, float("-inf"))
        fill(b, problem.type, self.totals.memory, 0, room)
        with b.loop(0, seen, blocks.keys) as key:
            self._keys(query, rows, key, b.minimum(b.sub(value_of(b, seen), key), blocks.keys))
        over_rows(b, rows, problem.tile.height, problem.queries % problem.tile.height, lambda row, height: self._finish(query, row, height))

    def _keys(self, query: Count, rows: Count, key: Count, keys: Count) -> None:
        """What a block of keys gives to a block of queries."""
        b, problem = self.b, self.problem
        _, key_matrix, value_matrix, *_ = self.matrices
        assert key_matrix is not None and value_matrix is not None
        read_rows(b, problem.type, key_matrix, value_of(b, key), keys, self.keys)
        self.panels.fill(self.keys, problem.width, keys)
        read_rows(b, problem.type, value_matrix, value_of(b, key), keys, self.values)

        def tile(row: Value, height: int) -> None:
            first = plus(b, query, row)
            seen = sight(b, problem.lanes, keys, problem.ahead(b, first, key), height)
            if self.is_whole or not problem.is_causal:
                self._tile(query, row, height, key, seen)
                if self.is_whole:
                    self._finish(query, row, height)
            else:
                with b.when(b.compare("sgt", value_of(b, seen.bound), b.index(0))):
                    self._tile(query, row, height, key, seen)

        over_rows(b, rows, problem.tile.height, problem.queries % problem.tile.height, tile)

    def _tile(self, query, row, height, key, seen) -> None:
        b, problem = self.b, self.problem
        lanes, type_ = problem.lanes, problem.type
        scores = Rows(self.scores, self.stride, height)
        left = Left(b.offset(self.queries, b.mul(row, b.index(problem.width)), problem.element), problem.width, 1)
        vectors = seen.vectors(b, lanes)
        product(b, type_, problem.tile, height, left, self.panels.right, vectors=vectors, depth=(0, problem.size),
            finish=lambda i, column, value: store_aligned(b, value, scores.at(b, type_, i, column)))
        mask = self.matrices[4]
        if mask is not None:
            apply_mask(b, type_, scores, mask, b.add(value_of(b, query), row), value_of(b, key), seen.bound)
        hide(b, type_, scores, seen)
        for start in range(0, height, problem.group):
            self._weigh(scores, range(start, min(start + problem.group, height)), row, vectors)
        self._values(row, height, seen)

    def _weigh(self, scores: Rows, group: range, row: Value, vectors: Count) -> None:
        """Scores of a group of rows to weights that aren't divided by their sum yet."""
        b, problem = self.b, self.problem
        type_, lanes = problem.type, problem.lanes
        lowest = b.constant(type_, float("-inf"))
        most = [b.variable(lowest) for _ in group]
        with b.loop(0, vectors) as vector:
            for place, i in zip(most, group):
                place.set(greater(b, load_aligned(b, type_, scores.at(b, type_, i, vector)), place.get()))
        greatest = across(b, [one.get() for one in most], lambda x, y: greater(b, x, y))
        slot = self.greatest.vector(row, group[0])
        rescale = None
        if not self.is_whole:
            before = load_aligned(b, type_, slot)
            greatest = greater(b, greatest, before)
        zero = b.constant(type_, 0)
        shift = b.select(b.compare("oeq", greatest, lowest), zero, greatest)
        store_aligned(b, shift if self.is_whole else greatest, slot)
        shifts = self.rescale.vector(b.index(0), group[0])
        store_aligned(b, shift, shifts)
        sums = [b.variable(zero) for _ in group]
        shift_of = [b.splat(b.load(problem.element, self.rescale.scalar(b.index(0), i)), lanes) for i in group]
        with b.loop(0, vectors) as vector:
            for total, i, shift_i in zip(sums, group, shift_of):
                place = scores.at(b, type_, i, vector)
                weight = power(b, b.sub(load_aligned(b, type_, place), shift_i), is_log2=problem.is_log2)
                store_aligned(b, weight, place)
                total.set(b.add(total.get(), weight))
        total = across(b, [one.get() for one in sums], b.add)
        slot = self.totals.vector(row, group[0])
        if not self.is_whole:
            factor = power(b, b.sub(before, shift), is_log2=problem.is_log2)
            store_aligned(b, factor, shifts)
            total = b.fma(load_aligned(b, type_, slot), factor, total)
        store_aligned(b, total, slot)

    def _values(self, row: Value, height: int, seen) -> None:
        b, problem = self.b, self.problem
        type_, lanes, width = problem.type, problem.lanes, problem.value_width
        base = self.sums if self.is_whole else b.offset(self.sums, b.mul(row, b.index(width)), problem.element)
        sums = Rows(base, width, height)

        def begin(i: int, column: Value) -> Value:
            factor = b.splat(b.load(problem.element, self.rescale.scalar(b.index(0), i)), lanes)
            return b.mul(load_aligned(b, type_, sums.at(b, type_, i, column)), factor)

        right = Right(lambda column: b.offset(self.values, b.mul(column, b.index(lanes)), problem.element), width)
        product(b, type_, problem.tile, height, Left(self.scores, self.stride, 1), right,
            vectors=width // lanes, depth=(0, seen.bound), begin=None if self.is_whole else begin,
            finish=lambda i, column, value: store_aligned(b, value, sums.at(b, type_, i, column)))

    def _finish(self, query: Count, row: Value, height: int) -> None:
        """Divides what was summed, and writes it."""
        b, problem = self.b, self.problem
        type_, width = problem.type, problem.value_width
        output, statistics = self.matrices[3], self.matrices[5]
        one, zero = b.constant(type_, 1), b.constant(type_, 0)
        for start in range(0, height, problem.group):
            slot = self.totals.vector(row, start)
            total = load_aligned(b, type_, slot)
            store_aligned(b, b.fdiv(one, b.select(b.compare("oeq", total, zero), one, total)), slot)
            if not self.is_whole:
                slot = self.greatest.vector(row, start)
                greatest = load_aligned(b, type_, slot)
                store_aligned(b, b.select(b.compare("oeq", greatest, b.constant(type_, float("-inf"))), zero, greatest), slot)
        first = b.add(value_of(b, query), row)
        base = self.sums if self.is_whole else b.offset(self.sums, b.mul(row, b.index(width)), problem.element)
        write_rows(b, type_, base, output, first, height, lambda i: b.load(problem.element, self.totals.any(b.add(row, i))))
        if statistics is not None:
            with b.loop(0, height) as i:
                to = statistics.at(b, b.add(first, i))
                for place, numbers in enumerate((self.greatest, self.totals)):
                    b.store(b.load(problem.element, numbers.any(b.add(row, i))), b.offset(to, place, problem.element))
