"""Damaged foreign files: bits flipped, ends cut off. Nothing but errors of ours comes of them, and where a format has
checksums, no wrong array.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors

from dovetail_checkpointing.interchange import ForeignLimits
from dovetail_checkpointing.interchange.contents import Contents, StoredArray
from dovetail_protocols.errors import DovetailError

Found = dict[str, tuple[str, tuple[int, ...], bytes]]
ARRAYS = {"w": np.array([[1.5, -2.5]], np.float32), "n": np.array(7, np.int16)}
CONTENTS = Contents({name: StoredArray.of(array) for name, array in ARRAYS.items()}, {}, {"by": "tests"})
EXPECTED: Found = {name: (array.dtype.name, array.shape, array.tobytes()) for name, array in ARRAYS.items()}
FILES = {"safetensors_files": "a.safetensors", "numpy_archives": "a.npz", "pytorch_files": "a.pt"}
WITH_CHECKSUMS = ("numpy_archives", "pytorch_files")


def read(module: str, path: Path) -> Found | None:
    """The arrays of a file; None where reading it raises an error of ours."""
    try:
        with import_module(f"dovetail_checkpointing.interchange.{module}").reading(path, ForeignLimits()) as contents:
            arrays = {name: array.read() for name, array in contents.arrays.items()}
    except DovetailError:
        return None
    return {name: (array.dtype.name, array.shape, array.tobytes()) for name, array in arrays.items()}


def written(module: str, folder: Path) -> tuple[Path, bytes]:
    path = folder / FILES[module]
    import_module(f"dovetail_checkpointing.interchange.{module}").write(path, CONTENTS)
    assert read(module, path) == EXPECTED
    return path, path.read_bytes()


def flipped(data: bytes, every: int = 1) -> Iterator[bytes]:
    """The data with one bit changed: each bit of one byte in `every`, and of the last hundred, where archives end."""
    for place in sorted({*range(0, len(data), every), *range(max(0, len(data) - 100), len(data))}):
        for bit in range(8):
            yield data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


@pytest.mark.parametrize("module", FILES)
def test_every_truncation_is_refused(module: str, tmp_path: Path) -> None:
    path, data = written(module, tmp_path)
    for length in range(0, len(data), 1 if module == "safetensors_files" else 7):
        path.write_bytes(data[:length])
        assert read(module, path) is None, length


@pytest.mark.parametrize("module", WITH_CHECKSUMS)
def test_a_flipped_bit_is_found_where_the_format_has_checksums(module: str, tmp_path: Path) -> None:
    """Or it lies where nothing depends on it, such as in a time; a name may read otherwise, but no array does."""
    path, data = written(module, tmp_path)
    refused = 0
    for damaged in flipped(data, 13):
        path.write_bytes(damaged)
        found = read(module, path)
        refused += found is None
        assert found is None or sorted(found.values()) == sorted(EXPECTED.values())
    assert refused > 500


def test_what_is_read_of_a_damaged_safetensors_file_is_what_its_library_reads(tmp_path: Path) -> None:
    path, data = written("safetensors_files", tmp_path)
    accepted = 0
    for damaged in flipped(data):
        path.write_bytes(damaged)
        found = read("safetensors_files", path)
        if found is not None:
            accepted += 1
            theirs = {
                name: (tuple(told["shape"]), bytes(told["data"])) for name, told in safetensors.deserialize(damaged)
            }
            assert {name: (shape, content) for name, (_, shape, content) in found.items()} == theirs
    assert accepted > 8 * 4  # flips in the data itself, which the format has no checksum for


def test_every_truncation_of_an_hdf5_file_is_refused(tmp_path: Path) -> None:
    keras_files: Any = import_module("dovetail_checkpointing.interchange.keras_files")
    path = tmp_path / "a.weights.h5"
    keras_files.write(path, CONTENTS)
    assert read("keras_files", path) == EXPECTED
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        assert read("keras_files", path) is None, length
