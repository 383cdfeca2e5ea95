"""Reductions in registers: how two values become one, and accumulators for many."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, FLOATING, SIGNED, SIZES, UNSIGNED, element_of, vector
from ..cluster import ALL, ANY, MAX, PROD, SUM


def accumulated(dtype: str) -> str:
    """The dtype in which values of a dtype are reduced and kept in memory in between: half precision in single."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def identity(operation: str, dtype: str) -> float | int:
    """What changes nothing, and what a reduction over nothing gives."""
    if operation in (SUM, ANY):
        return 0
    if operation in (PROD, ALL):
        return 1
    if dtype in FLOATING:
        return float("-inf") if operation == MAX else float("inf")
    if dtype in SIGNED:
        largest = (1 << (8 * SIZES[COMPUTED[dtype]] - 1)) - 1
        return -largest - 1 if operation == MAX else largest
    # Of unsigned numbers the largest is written as all bits, −1; of bools it is True.
    return 0 if operation == MAX else 1 if dtype == "bool" else -1


def neutral(b: Builder, operation: str, dtype: str, lanes: int) -> Value:
    """The identity of a reduction in every lane."""
    return b.constant(vector(COMPUTED[dtype], lanes), identity(operation, dtype))


def combined(b: Builder, operation: str, dtype: str, kept: Value, new: Value) -> Value:
    """Two values of the COMPUTED type of a dtype as one. NaN comes through a maximum or minimum."""
    if dtype == "bool":
        return b.operate("or" if operation in (ANY, MAX, SUM) else "and", kept, new)
    if operation == SUM:
        return b.add(kept, new)
    if operation == PROD:
        return b.mul(kept, new)
    if dtype in FLOATING:
        # A comparison and a choice are one instruction, which keeps `kept` where either is NaN.
        better = b.select(b.compare("ogt" if operation == MAX else "olt", new, kept), new, kept)
        return b.select(b.compare("uno", new, new), new, better)
    predicate = ("u" if dtype in UNSIGNED else "s") + ("gt" if operation == MAX else "lt")
    return b.select(b.compare(predicate, new, kept), new, kept)


def pairwise(b: Builder, operation: str, dtype: str, values: Sequence[Value]) -> Value:
    """Values of one type brought together in pairs."""
    values = list(values)
    while len(values) > 1:
        paired = [combined(b, operation, dtype, one, two) for one, two in zip(values[::2], values[1::2], strict=False)]
        values = paired + values[len(values) & ~1 :]
    return values[0]


def horizontal(b: Builder, operation: str, dtype: str, value: Value) -> Value:
    """The lanes of a vector brought together in pairs."""
    if dtype == "bool" and value.lanes > 1:
        bits = b.instruction(f"bitcast {value} to i{value.lanes}", f"i{value.lanes}")
        if operation in (ANY, MAX, SUM):
            return b.compare("ne", bits, b.constant(bits.type, 0))
        return b.compare("eq", bits, b.constant(bits.type, -1))
    while value.lanes > 2:
        half = value.lanes // 2
        low, high = b.shuffle(value, value, range(half)), b.shuffle(value, value, range(half, 2 * half))
        value = combined(b, operation, dtype, low, high)
    if value.lanes == 2:
        value = combined(b, operation, dtype, b.extract(value, 0), b.extract(value, 1))
    return value


class Accumulator:
    """Gathers values of one reduction over a stretch of elements: in `copies` vectors, that the latency of one addition
    hides behind others, and, where there is a tail of single elements, in a scalar."""

    def __init__(self, b: Builder, operation: str, dtype: str, lanes: int, copies: int, *, tail: bool) -> None:
        self.b, self.operation, self.dtype = b, operation, dtype
        self.neutral = neutral(b, operation, dtype, lanes)
        self.vectors = [b.variable(self.neutral) for _ in range(copies)]
        self.scalar = b.variable(neutral(b, operation, dtype, 1)) if tail else None

    def take(self, copy: int, value: Value, mask: Value | None = None) -> None:
        """Adds a vector, those lanes that the mask names, to one of the copies; or a single element."""
        kept = self.vectors[copy]
        if value.type != kept.type:
            assert self.scalar is not None, "an element where only vectors were expected"
            kept = self.scalar
        if mask is not None:
            value = self.b.select(mask, value, self.neutral)
        kept.set(combined(self.b, self.operation, self.dtype, kept.get(), value))

    def result(self) -> Value:
        """All that was gathered, in one vector."""
        whole = pairwise(self.b, self.operation, self.dtype, [one.get() for one in self.vectors])
        if self.scalar is None:
            return whole
        return combined(self.b, self.operation, self.dtype, whole, self.b.insert(self.neutral, self.scalar.get(), 0))

    def reset(self) -> None:
        for one in self.vectors:
            one.set(self.neutral)
        if self.scalar is not None:
            self.scalar.set(neutral(self.b, self.operation, self.dtype, 1))


class Total:
    """Gathers the results of many accumulators. Sums of single precision are gathered in double, so that the error
    doesn't grow with their number."""

    def __init__(self, b: Builder, operation: str, dtype: str, lanes: int) -> None:
        self.b, self.operation, self.dtype = b, operation, dtype
        self.computed = COMPUTED[dtype]
        self.kept = "float64" if operation == SUM and self.computed == "float" else dtype
        self.neutral = neutral(b, operation, self.kept, lanes)
        self.variable = b.variable(self.neutral)

    def take(self, value: Value) -> None:
        """Adds a vector, or a single value."""
        wide = value if self.kept == self.dtype else self.b.convert("fpext", value, "double")
        if wide.type != self.variable.type:
            wide = self.b.insert(self.neutral, wide, 0)
        self.variable.set(combined(self.b, self.operation, self.kept, self.variable.get(), wide))

    def vector(self) -> Value:
        """The result, lane by lane."""
        return self._narrow(self.variable.get())

    def scalar(self) -> Value:
        """The result over all lanes."""
        return self._narrow(horizontal(self.b, self.operation, self.kept, self.variable.get()))

    def _narrow(self, value: Value) -> Value:
        return value if element_of(value.type) == self.computed else self.b.convert("fptrunc", value, self.computed)
