"""Vectors of elements of a view, along its last axis: contiguous, broadcast or strided, whole or in part."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.types import SIZES, STORED, is_float, lanes_of, vector
from ...elementwise import from_memory, to_memory


def first_lanes(valid: int, lanes: int) -> Value:
    """A mask of the first lanes."""
    items = ", ".join(f"i1 {'true' if lane < valid else 'false'}" for lane in range(lanes))
    return Value(f"<{items}>", vector("i1", lanes))


def read(b: Builder, dtype: str, pointer: Value, stride: int, lanes: int, valid: int) -> Value:
    """`valid` elements from a pointer on, each `stride` after the one before, in lanes of the COMPUTED type. What the
    other lanes hold doesn't matter; nothing is read for them."""
    stored = STORED[dtype]
    type_ = vector(stored, lanes)
    if stride == 0 or valid == 1:
        return b.splat(from_memory(b, dtype, b.load(stored, pointer)), lanes)
    if stride == 1:
        loaded = load_lanes(b, type_, pointer, valid)
    elif b.isa.gathers and SIZES[stored] >= 4 and abs(stride) * lanes < 1 << 31:
        steps = b.mul(b.lane_numbers("i32", lanes), b.constant(vector("i32", lanes), stride))
        loaded = b.gather(type_, pointer, steps, first_lanes(valid, lanes))
    else:
        loaded = Value("poison", type_)
        for lane in range(valid):
            loaded = b.insert(loaded, b.load(stored, b.offset(pointer, lane * stride, stored)), lane)
    return from_memory(b, dtype, loaded)


def store_lanes(b: Builder, value: Value, pointer: Value, valid: int) -> None:
    """Stores the first `valid` lanes of a vector as they are."""
    if valid == value.lanes:
        b.store(value, pointer)
    else:
        b.masked_store(value, pointer, first_lanes(valid, value.lanes))


def load_lanes(b: Builder, type_: str, pointer: Value, valid: int) -> Value:
    """A vector from a pointer on, of which only the first `valid` lanes are read."""
    lanes = lanes_of(type_)
    return b.load(type_, pointer) if valid == lanes else b.masked_load(type_, pointer, first_lanes(valid, lanes))


def write(b: Builder, dtype: str, pointer: Value, stride: int, value: Value, valid: int) -> None:
    """Stores the first `valid` lanes of a value of the COMPUTED type, each `stride` after the one before."""
    stored = to_memory(b, dtype, value)
    if stride == 1:
        store_lanes(b, stored, pointer, valid)
    else:
        for lane in range(valid):
            b.store(b.extract(stored, lane), b.offset(pointer, lane * stride, stored.element))


def widened(b: Builder, dtype: str, value: Value, element: str) -> Value:
    """A value of a dtype's COMPUTED type in the type that products of it are computed in."""
    if value.element == element:
        return value
    if is_float(element):
        return b.convert("fpext" if SIZES[element] > SIZES[value.element] else "fptrunc", value, element)
    if SIZES[element] < SIZES[value.element]:
        return b.convert("trunc", value, element)
    return b.convert("zext" if dtype.startswith("u") else "sext", value, element)
