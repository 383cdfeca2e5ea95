"""Indices as numbers of places that are safe to touch, whatever they are.

A negative index counts from the end, as the operations say. One that is out of range even so reads the nearest element
of the axis, and writes nowhere: compiled code never touches memory outside of its views.
"""

from __future__ import annotations

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import SIGNED, STORED


@record
class Pointed:
    """An axis that indices point into: its size, the distance of its elements, and, among the numbers of an index
    vector, the distance of its own from the first."""

    size: int
    stride: int
    step: int = 0


def read_index(b: Builder, pointer: Value, dtype: str, size: int) -> Value:
    """The index that is stored there, as i64, negative ones counted from the end of an axis of that size."""
    element = STORED[dtype]
    index = b.load(element, pointer)
    if dtype in SIGNED:
        wide = b.convert("sext", index, "i64")
        return b.select(b.compare("slt", wide, b.index(0)), b.add(wide, b.index(size)), wide)
    if dtype == "uint64":  # what is beyond the range of i64 must not turn negative
        return b.intrinsic("llvm.umin", "i64", index, b.index((1 << 63) - 1))
    return b.convert("zext", index, "i64")


def nearest(b: Builder, index: Value, size: int) -> Value:
    """The index, or the end of the axis that is nearest to it."""
    return b.intrinsic("llvm.smin", "i64", b.intrinsic("llvm.smax", "i64", index, b.index(0)), b.index(size - 1))


def is_inside(b: Builder, index: Value, size: int) -> Value:
    """Whether an index is that of an element."""
    return b.compare("ult", index, b.index(size))
