"""Computing statistics once: equal small results of different operations become one.

Large arrays are not shared: a value that a forward pass and, much later, its backward pass both compute would have to
lie in memory in between, and computing it again is as quick as reading it.
"""

from __future__ import annotations

from typing import Any

from .kinds import is_elementwise, is_reduction
from .ops import Body, Op, Value

SMALL = 16
"""A result is small if it has at most so many elements, or so many times fewer than the largest array that it comes
from."""


def share_small_results(body: Body) -> None:
    """Replaces later computations of a small result by the first."""
    table = _Numbering(body)
    known: dict[int, Value] = {}
    largest: dict[int, int] = {}
    replaced: dict[int, Value] = {}
    for op in body.ops:
        pointwise = is_elementwise(op) or is_reduction(op)
        table.enter(op)
        extent = max((largest.get(value.number, value.size) for value in op.given), default=0)
        for output in op.outputs:
            largest[output.number] = max(extent, output.size) if pointwise else output.size
            if pointwise and (output.size <= SMALL or output.size * SMALL <= extent):
                first = known.setdefault(table.of(output), output)
                if first is not output:
                    replaced[output.number] = first
    body.substitute(replaced)
    body.drop_unused()


class _Numbering:
    """Gives equal numbers to values that are computed alike."""

    def __init__(self, body: Body) -> None:
        self._numbers: dict[Any, int] = {}
        self._of: dict[int, int] = {}
        self._constants = body.constants

    def of(self, value: Value) -> int:
        number = self._of.get(value.number)
        if number is None:
            array = self._constants.get(value.number)
            alike: Any = value.number
            if array is not None and array.size <= 64:
                alike = "constant", array.tobytes(), value.shape, value.dtype
            number = self._of[value.number] = self._number(alike)
        return number

    def enter(self, op: Op) -> None:
        inputs = tuple(None if value is None else self.of(value) for value in op.inputs)
        attributes = tuple((name, repr(value)) for name, value in op.attributes.items())
        for place, output in enumerate(op.outputs):
            self._of[output.number] = self._number((op.name, inputs, attributes, output.shape, output.dtype, place))

    def _number(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers))
