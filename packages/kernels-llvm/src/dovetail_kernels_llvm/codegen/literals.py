"""How types and numbers are written in LLVM's text."""

from __future__ import annotations

import struct

from .types import SIZES, element_of, is_float, lanes_of


def mangled(type_: str) -> str:
    """A type as the names of intrinsics have it."""
    names = {"float": "f32", "double": "f64", "half": "f16", "ptr": "p0"}
    element, lanes = element_of(type_), lanes_of(type_)
    short = names.get(element, element)
    return short if lanes == 1 else f"v{lanes}{short}"


def alignment(type_: str) -> int:
    return min(64, max(8, SIZES[element_of(type_)] * lanes_of(type_)))


def literal(element: str, number: float | int) -> str:
    if element == "i1":
        return "true" if number else "false"
    if element == "ptr":
        return "null"
    if not is_float(element):
        return str(int(number))
    if element == "half":
        number = struct.unpack("e", struct.pack("e", number))[0]
    elif element == "float":
        number = _single(number)
    bits: int = struct.unpack("<Q", struct.pack("<d", number))[0]
    if element == "half":
        return f"0xH{struct.unpack('<H', struct.pack('<e', number))[0]:04X}"
    return f"0x{bits:016X}"


def _single(number: float | int) -> float:
    """A number rounded to single precision; beyond its range, infinite."""
    try:
        rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
    return rounded
