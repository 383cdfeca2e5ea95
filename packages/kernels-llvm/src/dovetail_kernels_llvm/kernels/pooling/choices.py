"""Which element of a window is the greatest."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.operations.windows import WindowGrid

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, FLOATING, SIZES, UNSIGNED, vector
from ..convolution.indices import Index
from ..kernel import View
from .channels import Bundle, load
from .windows import Taps, each_tap, first_tap


def is_better(b: Builder, dtype: str, read: Value, best: Value, *, nan: bool) -> Value:
    """Where an element is greater than the best so far, or (with `nan`) is NaN, after which nothing is better."""
    if dtype not in FLOATING:
        return b.compare("ugt" if dtype in UNSIGNED else "sgt", read, best)
    greater = b.compare("ogt", read, best)
    return b.operate("or", greater, b.compare("uno", read, read)) if nan else greater


def chosen(
    b: Builder, grid: WindowGrid, x: View, pointer: Value, image: Index, taps: Taps, bundle: Bundle
) -> list[Value]:
    """The number, in the whole window, of the tap that holds the greatest element, the first of equals."""
    number, first = first_tap(b, grid, taps)
    best = [b.variable(one) for one in load(b, x, pointer, (image, *first), bundle)]
    numbers = [b.variable(_number(b, x, number, bundle.lanes)) for _ in best]

    def tap(number: Index, place: Sequence[Index]) -> None:
        this = _number(b, x, number, bundle.lanes)
        for read, kept, which in zip(load(b, x, pointer, (image, *place), bundle), best, numbers, strict=True):
            before = kept.get()
            which.set(b.select(is_better(b, x.dtype, read, before, nan=False), this, which.get()))
            kept.set(b.select(is_better(b, x.dtype, read, before, nan=True), read, before))

    each_tap(b, grid, taps, tap)
    return [one.get() for one in numbers]


def only_where(b: Builder, x: View, tap: Index, chosen: Value, given: Value) -> Value:
    """What of a cotangent goes to a tap: all of it where the tap is the chosen one."""
    here = b.compare("eq", chosen, _number(b, x, tap, chosen.lanes))
    return b.select(here, given, b.constant(given.type, 0))


def _number(b: Builder, x: View, tap: Index, lanes: int) -> Value:
    """The number of a tap in lanes as wide as the elements."""
    element = "i64" if SIZES[COMPUTED[x.dtype]] == 8 else "i32"
    if isinstance(tap, int):
        return b.constant(vector(element, lanes), tap)
    return b.splat(b.convert("trunc", tap, element), lanes)
