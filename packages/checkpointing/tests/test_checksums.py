"""The checksum is CRC-32 as everybody else computes it, whatever code does it."""

from __future__ import annotations

import importlib
import os
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail_checkpointing import checksums
from dovetail_checkpointing.manifest import CHUNK_BYTES


@given(st.binary(max_size=5000), st.integers(0, 2**32 - 1))
def test_it_is_that_of_zlib(data: bytes, start: int) -> None:
    assert checksums.crc32(data, start) == zlib.crc32(data, start)


def test_it_is_that_of_zlib_for_whole_chunks_at_any_address() -> None:
    data = memoryview(os.urandom(CHUNK_BYTES + 64))
    for begin in (0, 1, 7, 33):
        chunk = data[begin : begin + CHUNK_BYTES]
        assert checksums.crc32(chunk) == zlib.crc32(chunk)
        assert checksums.crc32(chunk[1000:], checksums.crc32(chunk[:1000])) == zlib.crc32(chunk)


def test_python_s_own_takes_its_place_where_there_is_no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zlib_ng", None)
    monkeypatch.setitem(sys.modules, "zlib_ng.zlib_ng", None)
    try:
        assert importlib.reload(checksums).crc32 is zlib.crc32
    finally:
        monkeypatch.undo()
        importlib.reload(checksums)
