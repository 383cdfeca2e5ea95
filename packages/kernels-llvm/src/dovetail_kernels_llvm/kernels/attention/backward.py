"""The gradient of attention: for a block of keys and a block of queries, weights and the gradient of scores, from which
the gradients of queries, keys and values are products.

Source: Dao et al. 2022, FlashAttention, algorithm 4 and appendix B.2.
"""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record, replace

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import size_bytes
from ..kernel import Kernel, Launch, View, traffic
from .counts import Count, larger, minus, plus, smaller, times, value_of
from .description import Attention, AttentionGradient
from .forward import TASKS, attention_launches, items_of
from .memory import Scratch, fill, read_rows, write_rows
from .problem import Heads, Problem, RowNumbers, parts_of, problem_of, rounded
from .product import ALIGNMENT, Left, Right, Rows, load_aligned, over_rows, product, store_aligned
from .sums import sum_launches
from .transposition import Panels
from .weights import LOG2_E, Sight, across, apply_mask, finite, greatest_of, hide, reciprocal, sight, weigh

QUERIES = 128
"""About as many queries make a block."""

KEYS = 128
"""As many keys make a block, where there are more than WHOLE_KEYS."""

WHOLE_KEYS = 256
"""Up to as many keys are one block."""

RELATIVE_FLOPS = 2.5
"""What the gradient needs in terms of what attention does: five products instead of two."""


@record
class Blocks:
    """How work is cut: queries and keys of a block; into how many shares the blocks of keys of a head are dealt; and
    how many shares a task computes."""

    queries: int
    keys: int
    shares: int
    items: int


def blocks_of(problem: Problem) -> Blocks:
    """How the gradient is cut into blocks and tasks."""
    count = max(1, round(problem.queries / QUERIES))
    queries = rounded(parts_of(problem.queries, count), problem.step) if count > 1 else problem.queries
    keys = problem.keys if problem.keys <= WHOLE_KEYS else rounded(KEYS, problem.step)
    shares = max(1, min(parts_of(TASKS, max(problem.heads, 1)), parts_of(problem.keys, max(keys, 1))))
    return Blocks(queries, keys, shares, items_of(RELATIVE_FLOPS * problem.flops, problem.heads * shares))


def attention_gradient_launches(
    isa: ISA, description: AttentionGradient, allocate: Callable[[str, tuple[int, ...]], View]
) -> list[Launch]:
    """The launches that compute the gradients of attention's operands."""
    problem = problem_of(isa, description)
    blocks = blocks_of(problem)
    launches: list[Launch] = []
    if description.statistics is None and blocks.keys < problem.keys:
        output = allocate(problem.dtype, (*problem.batch, problem.queries, problem.value_size))
        statistics = allocate(problem.dtype, (*problem.batch, problem.queries, 2))
        names = ("query", "key", "value", "mask", "scale", "is_causal")
        operands = {name: getattr(description, name) for name in names}
        launches += attention_launches(isa, Attention(**operands, output=output, statistics=statistics), allocate)
        description = replace(description, output=output, statistics=statistics)
    targets, sums = {}, []
    for name in ("query", "key", "value"):
        target: View = getattr(description, f"{name}_gradient")
        shares = blocks.shares if name == "query" else 1
        if shares > 1 or target.shape[:-2] != problem.batch:
            partial = allocate(problem.dtype, (shares, *problem.batch, *target.shape[-2:]))
            sums += sum_launches(isa, partial, target)
            target = partial
        else:
            target = View(target.buffer, target.dtype, (1, *target.shape), (0, *target.strides), target.offset)
        targets[name] = target
    if problem.heads:
        launches.append(_Writer(isa, problem, blocks, description, targets).launch())
    return launches + sums


class _Writer:
    """Writes the kernel of the gradient. Gradients that `targets` names have a leading axis of shares."""

    def __init__(
        self, isa: ISA, problem: Problem, blocks: Blocks, description: AttentionGradient, targets: dict[str, View]
    ) -> None:
        self.b = b = Builder(isa)
        self.problem, self.blocks = problem, blocks
        self.has_one_of_keys = blocks.keys >= problem.keys
        self.has_one_of_queries = blocks.queries >= problem.queries
        self.heads = Heads(
            b,
            (blocks.shares, *problem.batch),
            cotangent=description.cotangent,
            query=description.query,
            key=description.key,
            value=description.value,
            mask=description.mask,
            output=description.output,
            statistics=description.statistics,
            query_gradient=targets["query"],
            key_gradient=targets["key"],
            value_gradient=targets["value"],
        )
        self.is_known = description.statistics is not None
        tile, lanes = problem.tile, problem.lanes
        width, value_width = problem.width, problem.value_width
        rows, columns = rounded(blocks.queries, lanes), rounded(blocks.keys, lanes)
        self.stride = columns
        self.scratch = scratch = Scratch(b, size_bytes(problem.dtype))
        self.queries, self.cotangents = scratch.take(rows * width), scratch.take(rows * value_width)
        self.outputs = scratch.take(rows * value_width if self.is_known else 0)
        self.keys, self.values = scratch.take(columns * width), scratch.take(columns * value_width)
        wide = rounded(blocks.keys, tile.width * lanes)
        self.key_panels = Panels(b, problem.type, tile.width, scratch.take(wide * width), problem.size)
        self.value_panels = Panels(b, problem.type, tile.width, scratch.take(wide * value_width), problem.value_size)
        self.distance = rounded(blocks.queries, ALIGNMENT) * columns
        self.weights = scratch.take(2 * self.distance)
        self.slopes = b.offset(self.weights, self.distance, problem.element)
        sums = tile.height if self.has_one_of_queries else blocks.keys
        self.key_sums, self.value_sums = scratch.take(sums * width), scratch.take(sums * value_width)
        self.query_sums = scratch.take((tile.height if self.has_one_of_keys else problem.queries) * width)
        room = RowNumbers.room(problem, 1)
        self.shifts, self.factors, self.means = (RowNumbers(b, problem, scratch.take(room)) for _ in range(3))

    def launch(self) -> Launch:
        """The kernel, and how it is launched: a task computes some shares of heads."""
        b, problem, blocks = self.b, self.problem, self.blocks
        items = problem.heads * blocks.shares
        first = b.mul(b.task, b.index(blocks.items))
        with b.loop(first, b.minimum(b.add(first, b.index(blocks.items)), items)) as item:
            self.heads.enter(item)
            self._share(b.operate("udiv", item, b.index(problem.heads)))
        views = self.heads.views
        return Launch(
            Kernel(b.text(), f"gradient of attention {problem}", self.scratch.size_bytes),
            views,
            self.heads.places("query_gradient", "key_gradient", "value_gradient"),
            tasks=parts_of(items, blocks.items),
            flops=RELATIVE_FLOPS * problem.flops,
            bytes=traffic(*views),
        )

    def _share(self, share: Value) -> None:
        """Each so many-th block of keys, beginning with that of the share's number."""
        b, problem, blocks = self.b, self.problem, self.blocks
        if self.has_one_of_keys:
            self._keys(0, problem.keys)
            return
        fill(b, problem.type, self.query_sums, 0, problem.queries * problem.width)
        with b.loop(b.mul(share, b.index(blocks.keys)), problem.keys, blocks.keys * blocks.shares) as key:
            self._keys(key, smaller(b, minus(b, problem.keys, key), blocks.keys))
        self._write("query_gradient", self.query_sums, 0, problem.queries)

    def _keys(self, key: Count, keys: Count) -> None:
        """What a block of keys is given by all queries, and gives to them."""
        b, problem, blocks = self.b, self.problem, self.blocks
        read_rows(b, problem.type, self.heads["key"], value_of(b, key), keys, self.keys)
        self.key_panels.fill(self.keys, problem.width, keys)
        read_rows(b, problem.type, self.heads["value"], value_of(b, key), keys, self.values)
        self.value_panels.fill(self.values, problem.value_width, keys)
        if self.has_one_of_queries:
            self._queries(0, problem.queries, key, keys)
            return
        fill(b, problem.type, self.key_sums, 0, times(b, keys, problem.width))
        fill(b, problem.type, self.value_sums, 0, times(b, keys, problem.value_width))
        start: Count = 0
        if problem.is_causal and not isinstance(key, int):
            start = b.mul(b.operate("udiv", key, b.index(blocks.queries)), b.index(blocks.queries))
        with b.loop(start, problem.queries, blocks.queries) as query:
            self._queries(query, smaller(b, minus(b, problem.queries, query), blocks.queries), key, keys)
        self._write("key_gradient", self.key_sums, key, keys)
        self._write("value_gradient", self.value_sums, key, keys)

    def _queries(self, query: Count, rows: Count, key: Count, keys: Count) -> None:
        """What a block of keys and a block of queries give to each other."""
        b, problem = self.b, self.problem
        height = problem.tile.height
        first = value_of(b, query)
        factor = problem.scale * (LOG2_E if problem.is_log2 else 1)
        read_rows(b, problem.type, self.heads["query"], first, rows, self.queries, factor)
        read_rows(b, problem.type, self.heads["cotangent"], first, rows, self.cotangents)
        if self.is_known:
            read_rows(b, problem.type, self.heads["output"], first, rows, self.outputs)

        def from_queries(row: Value, height: int) -> None:
            ahead = problem.ahead(b, plus(b, query, row), key)
            seen = sight(b, problem.lanes, keys, ahead, problem.tile.height)
            if self.has_one_of_keys or isinstance(seen.bound, int):
                self._query_tile(query, row, height, key, seen)
            else:
                with b.when(b.compare("sgt", seen.bound, b.index(0))):
                    self._query_tile(query, row, height, key, seen)

        over_rows(b, rows, height, problem.queries % height, from_queries)

        def from_keys(row: Value, height: int) -> None:
            start: Count = 0
            if problem.is_causal:
                start = smaller(b, larger(b, minus(b, plus(b, key, row), query), 0), rows)
            self._key_tile(key, row, height, (start, rows))

        over_rows(b, keys, height, problem.keys % height, from_keys)

    def _query_tile(self, query: Count, row: Value, height: int, key: Count, seen: Sight) -> None:
        """The weights of a tile of queries, the gradient of their scores, and what that gives to the queries."""
        b, problem = self.b, self.problem
        lanes, type_, element, tile = problem.lanes, problem.type, problem.element, problem.tile
        vectors = seen.vectors(b, lanes)
        weights, slopes = (self._rows(memory, row, self.stride, height) for memory in (self.weights, self.slopes))
        queries, cotangents = (
            self._rows(memory, row, width, height)
            for memory, width in ((self.queries, problem.width), (self.cotangents, problem.value_width))
        )
        product(
            b,
            type_,
            tile,
            Left(queries.pointer, queries.stride, 1),
            self.key_panels.right,
            weights,
            vectors=vectors,
            depth=(0, problem.size),
        )
        if self.heads.has("mask"):
            first = plus(b, query, row)
            apply_mask(b, type_, weights, self.heads["mask"], value_of(b, first), value_of(b, key), seen.bound)
        hide(b, type_, weights, seen)
        groups = [range(start, min(start + problem.group, height)) for start in range(0, height, problem.group)]
        if self.is_known:
            self._recall(query, row, height)
        for group in groups:
            self._weigh(weights, group, vectors)
            if self.is_known:
                outputs = self._rows(self.outputs, row, problem.value_width, height)
                self._mean(cotangents, outputs, group, problem.value_width // lanes)

        def slope(i: int, place: Value, value: Value) -> Value:
            mean = b.splat(b.load(element, self.means.scalar(b.index(0), i)), lanes)
            weight = load_aligned(b, type_, b.offset(place, -self.distance, element))
            return b.mul(weight, b.sub(value, mean))

        product(
            b,
            type_,
            tile,
            Left(cotangents.pointer, cotangents.stride, 1),
            self.value_panels.right,
            slopes,
            vectors=vectors,
            depth=(0, problem.value_size),
            finish=slope if self.is_known else None,
        )
        if not self.is_known:
            for group in groups:
                self._slopes(weights, slopes, group, vectors)
        self._product(
            height,
            Left(slopes.pointer, self.stride, 1),
            (self.keys, problem.width),
            (0, seen.bound),
            None
            if self.has_one_of_keys
            else self._rows(self.query_sums, b.add(value_of(b, query), row), problem.width, height),
            "query_gradient",
            plus(b, query, row),
        )

    def _key_tile(self, key: Count, row: Value, height: int, depth: tuple[Count, Count]) -> None:
        """What a tile of keys and values is given by a block of queries."""
        b, problem = self.b, self.problem
        for name, left, right, width, sums in (
            ("value_gradient", self.weights, self.cotangents, problem.value_width, self.value_sums),
            ("key_gradient", self.slopes, self.queries, problem.width, self.key_sums),
        ):
            self._product(
                height,
                Left(b.offset(left, row, problem.element), 1, self.stride),
                (right, width),
                depth,
                None if self.has_one_of_queries else self._rows(sums, row, width, height),
                name,
                plus(b, key, row),
            )

    def _product(
        self,
        height: int,
        left: Left,
        right: tuple[Value, int],
        depth: tuple[Count, Count],
        sums: Rows | None,
        name: str,
        first: Count,
    ) -> None:
        """Adds a product to what was summed; or, where there is nothing to sum, writes it as a gradient's rows."""
        b, problem = self.b, self.problem
        type_, lanes, (memory, width) = problem.type, problem.lanes, right
        alone = {"query_gradient": self.query_sums, "key_gradient": self.key_sums, "value_gradient": self.value_sums}
        rows = sums or Rows(alone[name], width, height)
        product(
            b,
            type_,
            problem.tile,
            left,
            Right(lambda column: b.offset(memory, b.mul(column, b.index(lanes)), problem.element), width),
            rows,
            vectors=width // lanes,
            depth=depth,
            begin=(lambda _row, place: load_aligned(b, type_, place)) if sums else None,
        )
        if not sums:
            self._write(name, rows.pointer, first, height)

    def _write(self, name: str, memory: Value, first: Count, rows: Count) -> None:
        """Writes rows of a gradient that is complete."""
        b, problem = self.b, self.problem
        # Queries in scratch hold the scale, and so does the gradient of keys; but also the unit of scores.
        factors = {"query_gradient": problem.scale, "key_gradient": 1 / LOG2_E if problem.is_log2 else 1}
        factor = b.constant(problem.element, factors.get(name, 1))
        write_rows(b, problem.type, memory, self.heads[name], value_of(b, first), rows, lambda row: factor)

    def _rows(self, memory: Value, row: Value, stride: int, height: int) -> Rows:
        """Rows of scratch from one on."""
        b = self.b
        return Rows(b.offset(memory, b.mul(row, b.index(stride)), self.problem.element), stride, height)

    def _recall(self, query: Count, row: Value, height: int) -> None:
        """Brings the statistics of a tile of queries to scratch."""
        b, element = self.b, self.problem.element
        first = b.add(value_of(b, query), row)
        for i in range(height):
            origin = self.heads["statistics"].at(b, b.add(first, b.index(i)))
            for place, numbers in enumerate((self.shifts, self.factors)):
                b.store(b.load(element, b.offset(origin, place, element)), numbers.scalar(b.index(0), i))

    def _weigh(self, weights: Rows, group: range, vectors: Count) -> None:
        """Makes scores of a group of rows weights: divided by their sum already where the statistics are known."""
        b, problem = self.b, self.problem
        type_, element, first = problem.type, problem.element, b.index(0)
        shifts = [self.shifts.scalar(first, i) for i in group]
        factors = [self.factors.scalar(first, i) for i in group]
        if self.is_known:
            known = [b.load(element, place) for place in factors]
            weigh(
                b, type_, weights, group, vectors, [b.load(element, place) for place in shifts], problem.is_log2, known
            )
            return
        greatest = greatest_of(b, type_, weights, group, vectors)
        store_aligned(b, finite(b, greatest), self.shifts.vector(first, group[0]))
        total = weigh(b, type_, weights, group, vectors, [b.load(element, place) for place in shifts], problem.is_log2)
        store_aligned(b, reciprocal(b, total), self.factors.vector(first, group[0]))

    def _mean(self, cotangents: Rows, outputs: Rows, group: range, vectors: int) -> None:
        """The sum over keys of weight · (cotangent · value) is cotangent · output: one for each row of a group."""
        b, type_ = self.b, self.problem.type
        sums = [b.variable(b.constant(type_, 0)) for _ in group]
        with b.loop(0, vectors) as vector:
            for total, i in zip(sums, group, strict=True):
                given, output = (load_aligned(b, type_, rows.at(b, type_, i, vector)) for rows in (cotangents, outputs))
                total.set(b.fma(given, output, total.get()))
        store_aligned(b, across(b, [one.get() for one in sums], b.add), self.means.vector(b.index(0), group[0]))

    def _slopes(self, weights: Rows, slopes: Rows, group: range, vectors: Count) -> None:
        """Divides the weights of a group of rows by their sums, and makes cotangent · value the gradient of scores."""
        b, type_, element, first = self.b, self.problem.type, self.problem.element, self.b.index(0)
        sums = [b.variable(b.constant(type_, 0)) for _ in group]
        with b.loop(0, vectors) as vector:
            for total, i in zip(sums, group, strict=True):
                weight, along = (load_aligned(b, type_, rows.at(b, type_, i, vector)) for rows in (weights, slopes))
                total.set(b.fma(weight, along, total.get()))
        total_of_rows = across(b, [one.get() for one in sums], b.add)
        factor = load_aligned(b, type_, self.factors.vector(first, group[0]))
        store_aligned(b, b.mul(total_of_rows, factor), self.means.vector(first, group[0]))
        numbers = [[b.load(element, each.scalar(first, i)) for i in group] for each in (self.factors, self.means)]
        wide = [[b.splat(number, self.problem.lanes) for number in each] for each in numbers]
        with b.loop(0, vectors) as vector:
            for i, factor, mean in zip(group, *wide, strict=True):
                places = [rows.at(b, type_, i, vector) for rows in (weights, slopes)]
                weight, along = (load_aligned(b, type_, place) for place in places)
                weight = b.mul(weight, factor)
                store_aligned(b, weight, places[0])
                store_aligned(b, b.mul(weight, b.sub(along, mean)), places[1])
