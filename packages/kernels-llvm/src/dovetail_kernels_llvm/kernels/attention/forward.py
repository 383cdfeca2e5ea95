"""Attention: for a block of queries, scores of a block of keys, their weights, and the weighted sum of values.

Where more than one block of keys is seen, the greatest score and the sum of a row are carried from block to block, and
what was summed is scaled anew. Source: Dao et al. 2022, FlashAttention, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import size_bytes
from ..kernel import Kernel, Launch, View, traffic
from .counts import Count, minus, plus, smaller, value_of
from .description import Attention
from .memory import Scratch, fill, read_rows, write_rows
from .problem import Heads, Problem, RowNumbers, parts_of, problem_of, rounded
from .product import Left, Right, Rows, load_aligned, over_rows, product, store_aligned
from .transposition import Panels
from .weights import LOG2_E, Sight, apply_mask, finite, greater, greatest_of, hide, power, reciprocal, sight, weigh

QUERIES = 128
"""About as many queries make a block."""

KEYS = 256
"""As many keys make a block, where there are more than WHOLE_KEYS."""

WHOLE_KEYS = 512
"""Up to as many keys are one block."""

TASK_FLOPS = 4e6
"""About as much is done in one task."""

TASKS = 8
"""At least as many tasks, where there is more than one."""


@record
class Blocks:
    """How work is cut: queries and keys of a block, and how many blocks of queries a task computes."""

    queries: int
    keys: int
    items: int


def blocks_of(problem: Problem) -> Blocks:
    """How attention is cut into blocks and tasks."""
    count = max(1, round(problem.queries / QUERIES))
    queries = rounded(parts_of(problem.queries, count), problem.step) if count > 1 else problem.queries
    keys = problem.seen_keys if problem.seen_keys <= WHOLE_KEYS else rounded(KEYS, problem.step)
    return Blocks(queries, keys, items_of(problem.flops, problem.heads * parts_of(problem.queries, queries)))


def items_of(flops: float, items: int) -> int:
    """How many of equal parts of some work make a task."""
    if flops <= TASK_FLOPS:
        return max(1, items)
    return max(1, min(round(TASK_FLOPS * items / flops), parts_of(items, TASKS)))


def attention_launches(
    isa: ISA, description: Attention, allocate: Callable[[str, tuple[int, ...]], View]
) -> list[Launch]:
    """The launches that compute attention."""
    problem = problem_of(isa, description)
    if problem.heads * problem.queries == 0:
        return []
    return [_Writer(isa, problem, blocks_of(problem), description).launch()]


class _Writer:
    """Writes the kernel of attention."""

    def __init__(self, isa: ISA, problem: Problem, blocks: Blocks, description: Attention) -> None:
        self.b = b = Builder(isa)
        self.problem, self.blocks = problem, blocks
        self.blocks_of_head = parts_of(problem.queries, blocks.queries)
        self.is_whole = blocks.keys >= problem.seen_keys
        self.heads = Heads(
            b,
            problem.batch,
            query=description.query,
            key=description.key,
            value=description.value,
            mask=description.mask,
            output=description.output,
            statistics=description.statistics,
        )
        tile, lanes = problem.tile, problem.lanes
        self.stride = rounded(blocks.keys, lanes)
        self.scratch = scratch = Scratch(b, size_bytes(problem.dtype))
        self.queries = scratch.take(rounded(blocks.queries, lanes) * problem.width)
        self.keys = scratch.take(self.stride * problem.width)
        panels = scratch.take(rounded(blocks.keys, tile.width * lanes) * problem.width)
        self.panels = Panels(b, problem.type, tile.width, panels, problem.size)
        self.values = scratch.take(self.stride * problem.value_width)
        self.scores = scratch.take(tile.height * self.stride)
        self.sums = scratch.take((tile.height if self.is_whole else blocks.queries) * problem.value_width)
        room = RowNumbers.room(problem, blocks.queries)
        self.greatest = RowNumbers(b, problem, scratch.take(room))
        self.totals = RowNumbers(b, problem, scratch.take(room))
        self.factors = RowNumbers(b, problem, scratch.take(RowNumbers.room(problem, 1)))

    def launch(self) -> Launch:
        """The kernel, and how it is launched: a task computes some blocks of queries."""
        b, problem, blocks = self.b, self.problem, self.blocks
        items = problem.heads * self.blocks_of_head
        first = b.mul(b.task, b.index(blocks.items))
        with b.loop(first, b.minimum(b.add(first, b.index(blocks.items)), items)) as item:
            # Blocks that see most keys come first, so that no thread is left with a long task at the end.
            self.heads.enter(b.operate("urem", item, b.index(problem.heads)))
            block = b.sub(b.index(self.blocks_of_head - 1), b.operate("udiv", item, b.index(problem.heads)))
            self._block(b.mul(block, b.index(blocks.queries)) if self.blocks_of_head > 1 else 0)
        views, written = self.heads.views, self.heads.places("output", "statistics")
        return Launch(
            Kernel(b.text(), f"attention {problem}", self.scratch.size_bytes),
            views,
            written,
            tasks=parts_of(items, blocks.items),
            flops=problem.flops,
            bytes=traffic(*views),
        )

    def _block(self, query: Count) -> None:
        b, problem, blocks = self.b, self.problem, self.blocks
        rows = smaller(b, blocks.queries, minus(b, problem.queries, query))
        factor = problem.scale * (LOG2_E if problem.is_log2 else 1)
        read_rows(b, problem.type, self.heads["query"], value_of(b, query), rows, self.queries, factor)
        seen = smaller(b, problem.keys, plus(b, query, rows)) if problem.is_causal else problem.keys
        if self.is_whole:
            self._keys(query, rows, 0, seen)
            return
        room = RowNumbers.room(problem, blocks.queries)
        fill(b, problem.type, self.sums, 0, blocks.queries * problem.value_width)
        fill(b, problem.type, self.greatest.memory, 0, room, float("-inf"))
        fill(b, problem.type, self.totals.memory, 0, room)
        with b.loop(0, seen, blocks.keys) as key:
            self._keys(query, rows, key, smaller(b, minus(b, seen, key), blocks.keys))
        height = problem.tile.height
        over_rows(b, rows, height, problem.queries % height, lambda row, height: self._finish(query, row, height))

    def _keys(self, query: Count, rows: Count, key: Count, keys: Count) -> None:
        """What a block of keys gives to a block of queries."""
        b, problem = self.b, self.problem
        read_rows(b, problem.type, self.heads["key"], value_of(b, key), keys, self.keys)
        self.panels.fill(self.keys, problem.width, keys)
        read_rows(b, problem.type, self.heads["value"], value_of(b, key), keys, self.values)

        def tile(row: Value, height: int) -> None:
            ahead = problem.ahead(b, plus(b, query, row), key)
            seen = sight(b, problem.lanes, keys, ahead, problem.tile.height)
            if self.is_whole:
                self._tile(query, row, height, key, seen)
                self._finish(query, row, height)
            elif isinstance(seen.bound, int):
                self._tile(query, row, height, key, seen)
            else:
                with b.when(b.compare("sgt", seen.bound, b.index(0))):
                    self._tile(query, row, height, key, seen)

        over_rows(b, rows, problem.tile.height, problem.queries % problem.tile.height, tile)

    def _tile(self, query: Count, row: Value, height: int, key: Count, seen: Sight) -> None:
        """What a block of keys gives to a tile of queries."""
        b, problem = self.b, self.problem
        lanes, type_ = problem.lanes, problem.type
        scores = Rows(self.scores, self.stride, height)
        vectors = seen.vectors(b, lanes)
        left = Left(b.offset(self.queries, b.mul(row, b.index(problem.width)), problem.element), problem.width, 1)
        product(
            b,
            type_,
            problem.tile,
            left,
            self.panels.right,
            scores,
            vectors=vectors,
            depth=(0, problem.size),
        )
        if self.heads.has("mask"):
            first = plus(b, query, row)
            apply_mask(b, type_, scores, self.heads["mask"], value_of(b, first), value_of(b, key), seen.bound)
        hide(b, type_, scores, seen)
        for start in range(0, height, problem.group):
            self._weigh(scores, range(start, min(start + problem.group, height)), row, vectors)
        width = problem.value_width
        product(
            b,
            type_,
            problem.tile,
            Left(self.scores, self.stride, 1),
            Right(lambda column: b.offset(self.values, b.mul(column, b.index(lanes)), problem.element), width),
            Rows(self._sums(row), width, height),
            vectors=width // lanes,
            depth=(0, seen.bound),
            begin=None if self.is_whole else self._rescaled,
        )

    def _weigh(self, scores: Rows, group: range, row: Value, vectors: Count) -> None:
        """Makes scores of a group of rows weights that aren't divided by their sum yet."""
        b, problem = self.b, self.problem
        type_ = problem.type
        greatest = greatest_of(b, type_, scores, group, vectors)
        place, total_place = self.greatest.vector(row, group[0]), self.totals.vector(row, group[0])
        if not self.is_whole:
            before = load_aligned(b, type_, place)
            greatest = greater(b, greatest, before)
        shift = finite(b, greatest)
        store_aligned(b, shift if self.is_whole else greatest, place)
        factors = self.factors.vector(b.index(0), group[0])
        store_aligned(b, shift, factors)
        shifts = [b.load(problem.element, self.factors.scalar(b.index(0), i)) for i in group]
        total = weigh(b, type_, scores, group, vectors, shifts, problem.is_log2)
        if not self.is_whole:
            factor = power(b, b.sub(before, shift), problem.is_log2)
            store_aligned(b, factor, factors)
            total = b.fma(load_aligned(b, type_, total_place), factor, total)
        store_aligned(b, total, total_place)

    def _sums(self, row: Value) -> Value:
        """The address of what is summed for a row."""
        b, problem = self.b, self.problem
        if self.is_whole:
            return self.sums
        return b.offset(self.sums, b.mul(row, b.index(problem.value_width)), problem.element)

    def _rescaled(self, row: int, place: Value) -> Value:
        """What earlier blocks of keys have given, in terms of the greatest score that is known now."""
        b, problem = self.b, self.problem
        factor = b.splat(b.load(problem.element, self.factors.scalar(b.index(0), row)), problem.lanes)
        return b.mul(load_aligned(b, problem.type, place), factor)

    def _finish(self, query: Count, row: Value, height: int) -> None:
        """Divides what was summed for a tile of queries, and writes it."""
        b, problem = self.b, self.problem
        type_ = problem.type
        for start in range(0, height, problem.group):
            place, greatest = self.totals.vector(row, start), self.greatest.vector(row, start)
            store_aligned(b, reciprocal(b, load_aligned(b, type_, place)), place)
            if not self.is_whole:
                store_aligned(b, finite(b, load_aligned(b, type_, greatest)), greatest)
        first = b.add(value_of(b, query), row)

        def factor(i: Value) -> Value:
            return b.load(problem.element, self.totals.any(b.add(row, i)))

        write_rows(b, type_, self._sums(row), self.heads["output"], first, height, factor)
        if self.heads.has("statistics"):
            with b.loop(0, height) as i:
                to = self.heads["statistics"].at(b, b.add(first, i))
                for number, numbers in enumerate((self.greatest, self.totals)):
                    one = b.load(problem.element, numbers.any(b.add(row, i)))
                    b.store(one, b.offset(to, number, problem.element))
