"""Vectors of channels: bundles of them that go through a window together, their loads and stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, SIZES, STORED, size_bytes, vector
from ...elementwise import from_memory, to_memory
from ..convolution.indices import Index, each, minus, plus, times, value, weighted
from ..kernel import View

TOGETHER = 4
"""Vectors of a bundle."""


@record
class Bundle:
    """Channels that are computed together: from `first` on, `vectors` vectors of `lanes`, the last under `mask`."""

    first: Index
    vectors: int
    lanes: int
    mask: Value | None


def lanes_for(b: Builder, views: Sequence[View]) -> int:
    """How many channels a vector has: 1 where some view's channels don't lie side by side."""
    if any(view.strides[-1] != 1 and view.shape[-1] > 1 for view in views):
        return 1
    return b.isa.lanes(max(SIZES[COMPUTED[view.dtype]] for view in views))


def each_bundle(
    b: Builder, start: Index, stop: Index, lanes: int, body: Callable[[Bundle], None], *, maskable: bool
) -> None:
    """Calls body for bundles of the channels from start to stop, which may be known only when the kernel runs."""
    wide = lanes * TOGETHER
    count = minus(b, stop, start)
    whole: Index
    vectors: Index
    if isinstance(count, int):
        whole, vectors = count // wide * wide, count // lanes * lanes
    else:
        whole = times(b, b.operate("udiv", count, b.index(wide)), wide)
        vectors = times(b, b.operate("udiv", count, b.index(lanes)), lanes)
    for low, high, step in ((0, whole, TOGETHER), (whole, vectors, 1)):
        if not (isinstance(low, int) and isinstance(high, int) and low >= high):
            with each(b, low, high, step * lanes) as index:
                body(Bundle(plus(b, start, index), step, lanes, None))
    if lanes == 1 or (isinstance(count, int) and count == vectors):
        return
    if maskable:
        rest = minus(b, count, vectors)
        if isinstance(rest, int):
            body(Bundle(plus(b, start, vectors), 1, lanes, b.tail_mask(value(b, rest), lanes)))
        else:
            with b.when(b.compare("sgt", rest, b.index(0))):
                body(Bundle(plus(b, start, vectors), 1, lanes, b.tail_mask(rest, lanes)))
    else:
        with each(b, vectors, count) as index:
            body(Bundle(plus(b, start, index), 1, 1, None))


def is_maskable(b: Builder, views: Sequence[View]) -> bool:
    """Whether the elements of all views can be loaded and stored under a mask in hardware."""
    return b.isa.masked and all(size_bytes(view.dtype) in (4, 8) for view in views)


def load(b: Builder, view: View, pointer: Value, place: Sequence[Index], bundle: Bundle) -> list[Value]:
    """The channels of a bundle at a place (image, *spatial), in their COMPUTED type."""
    found = []
    for there in _places(b, view, pointer, place, bundle):
        type_ = vector(STORED[view.dtype], bundle.lanes)
        stored = b.load(type_, there) if bundle.mask is None else b.masked_load(type_, there, bundle.mask)
        found.append(from_memory(b, view.dtype, stored))
    return found


def store(
    b: Builder, view: View, pointer: Value, place: Sequence[Index], bundle: Bundle, computed: Sequence[Value]
) -> None:
    """Stores the channels of a bundle, given in their COMPUTED type, at a place (image, *spatial)."""
    for there, one in zip(_places(b, view, pointer, place, bundle), computed, strict=True):
        stored = to_memory(b, view.dtype, one)
        if bundle.mask is None:
            b.store(stored, there)
        else:
            b.masked_store(stored, there, bundle.mask)


def _places(b: Builder, view: View, pointer: Value, place: Sequence[Index], bundle: Bundle) -> list[Value]:
    """Where the vectors of a bundle lie."""
    stored = STORED[view.dtype]
    first = b.offset(pointer, weighted(b, (*place, bundle.first), view.strides), stored)
    step = bundle.lanes * view.strides[-1]
    return [b.offset(first, number * step, stored) for number in range(bundle.vectors)]


def computed_type(view: View, lanes: int) -> str:
    """The type of a vector of a view's elements in registers."""
    return vector(COMPUTED[view.dtype], lanes)
