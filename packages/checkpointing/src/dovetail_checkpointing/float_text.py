"""Floats as text and back to the bit: hexadecimal, and with its bits each NaN that isn't the usual one."""

from __future__ import annotations

import re
import struct

_USUAL_NAN = 0x7FF8000000000000
_OTHER_NAN = re.compile("nan:([0-9a-f]{16})")


def float_text(value: float) -> str:
    """The float as text, such as `0x1.8000000000000p+0`, `-inf`, `nan` or `nan:fff0000000000001`."""
    value = float(value)
    if value == value:
        return value.hex()
    bits = _bits(value)
    return "nan" if bits == _USUAL_NAN else f"nan:{bits:016x}"


def float_from_text(text: str) -> float:
    """The float that `float_text` made this text of.

    Raises: ValueError, OverflowError, TypeError for what is none.
    """
    other = _OTHER_NAN.fullmatch(text)
    if other is None:
        return float.fromhex(text)
    value: float = struct.unpack(">d", bytes.fromhex(other[1]))[0]
    if value == value or _bits(value) == _USUAL_NAN:
        raise ValueError(f"{text} is no NaN that has to be told by its bits")
    return value


def same_float(first: float, second: float) -> bool:
    """Whether two floats are the same to the bit: 0.0 and -0.0 aren't, nor are NaNs with other payloads."""
    return _bits(first) == _bits(second)


def _bits(value: float) -> int:
    return int.from_bytes(struct.pack(">d", value), "big")
