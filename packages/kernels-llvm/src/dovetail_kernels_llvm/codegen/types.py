"""LLVM's types for the dtypes of a graph: how elements lie in memory, and in which type they are computed."""

from __future__ import annotations

STORED = {
    "bool": "i8",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "i8",
    "uint16": "i16",
    "uint32": "i32",
    "uint64": "i64",
    "bfloat16": "i16",
    "float16": "half",
    "float32": "float",
    "float64": "double",
}
"""dtype → the type of an element in memory. What isn't here isn't taken."""

COMPUTED = {**STORED, "bool": "i1", "bfloat16": "float", "float16": "float"}
"""dtype → the type of an element in a register: half precision is computed in single."""

SIZES = {"i1": 1, "i8": 1, "i16": 2, "half": 2, "i32": 4, "float": 4, "i64": 8, "double": 8, "ptr": 8}
"""Bytes of an element."""

FLOATING = frozenset({"bfloat16", "float16", "float32", "float64"})
SIGNED = frozenset({"int8", "int16", "int32", "int64"})
UNSIGNED = frozenset({"uint8", "uint16", "uint32", "uint64"})


def size_bytes(dtype: str) -> int:
    """Bytes of an element in memory."""
    return SIZES[STORED[dtype]]


def vector(element: str, lanes: int) -> str:
    """The type of a vector; of one lane, the element's own."""
    return element if lanes == 1 else f"<{lanes} x {element}>"


def element_of(type_: str) -> str:
    """The type of a vector's elements; of a scalar, its own."""
    return type_.partition(" x ")[2][:-1] if type_.startswith("<") else type_


def lanes_of(type_: str) -> int:
    """How many elements a type has."""
    return int(type_[1:].partition(" x ")[0]) if type_.startswith("<") else 1


def is_float(type_: str) -> bool:
    """Whether a type's elements are floating-point numbers."""
    return element_of(type_) in ("half", "float", "double")
