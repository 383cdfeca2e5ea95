"""Floats are written as text that gives every bit back, and no other text is read."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dovetail_checkpointing.float_text import float_from_text, float_text, same_float


@given(st.binary(min_size=8, max_size=8))
@example(bytes.fromhex("7ff8000000000000"))
@example(bytes.fromhex("fff8000000000000"))
@example(bytes.fromhex("7ff0000000000001"))
@example(bytes.fromhex("8000000000000000"))
def test_every_float_comes_back_to_the_bit(written: bytes) -> None:
    value = struct.unpack(">d", written)[0]
    found = float_from_text(float_text(value))
    assert struct.pack(">d", found) == written
    assert same_float(found, value)
    assert same_float(value, 0.0) == (written == bytes(8))


def test_the_usual_nan_is_written_as_everybody_does() -> None:
    assert float_text(float("nan")) == "nan"
    assert float_text(struct.unpack(">d", bytes.fromhex("fff0000000000001"))[0]) == "nan:fff0000000000001"


@pytest.mark.parametrize(
    "text", ["nan:", "nan:1", "nan:7ff8000000000000", "nan:7ff0000000000000", "nan:7FF8000000000001", "-nan:1", "", "x"]
)
def test_what_is_no_float_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"nan:|hexadecimal"):
        float_from_text(text)
