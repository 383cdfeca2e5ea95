"""Damaged foreign files: bits flipped, ends cut off. Nothing but errors of ours comes of them, and where a format has
checksums, no wrong array.
"""

from __future__ import annotations

import io
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing.interchange import ForeignLimits
from dovetail_checkpointing.interchange.contents import Contents, StoredArray
from dovetail_protocols.errors import DovetailError

from .byte_order import little_endian
from .hostile import pytorch
from .hostile.zips import zipped
from .safetensors_library import upstream

Found = dict[str, tuple[str, tuple[int, ...], bytes]]
ARRAYS = {"w": np.array([[1.5, -2.5]], np.float32), "n": np.array(7, np.int16)}
CONTENTS = Contents({name: StoredArray.of(array) for name, array in ARRAYS.items()}, {}, {"by": "tests"})
EXPECTED: Found = {name: (array.dtype.name, array.shape, little_endian(array)) for name, array in ARRAYS.items()}
FILES = {"safetensors_files": "a.safetensors", "numpy_archives": "a.npz", "pytorch_files": "a.pt"}
WITH_CHECKSUMS = ("numpy_archives", "pytorch_files")


def read(module: str, path: Path) -> Found | None:
    """The arrays of a file; None where reading it raises an error of ours."""
    try:
        with import_module(f"dovetail_checkpointing.interchange.{module}").reading(path, ForeignLimits()) as contents:
            arrays = {name: array.read() for name, array in contents.arrays.items()}
    except DovetailError:
        return None
    return {name: (array.dtype.name, array.shape, little_endian(array)) for name, array in arrays.items()}


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
                name: (tuple(told["shape"]), bytes(told["data"])) for name, told in upstream().deserialize(damaged)
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


def resealed(data: bytes, member: str, content: bytes) -> bytes:
    """The archive with another content of a member, and the checksum that goes with it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped(members | {member: content})


@pytest.mark.parametrize(("module", "member"), [("numpy_archives", "w.npy"), ("pytorch_files", "archive/data.pkl")])
def test_what_is_made_to_pass_its_checksum_is_still_only_refused(module: str, member: str, tmp_path: Path) -> None:
    """Whoever makes a file makes its checksums too, so parsers see what they never do in damaged files."""
    path, data = written(module, tmp_path)
    with zipfile.ZipFile(path) as archive:
        content = archive.read(member)
    refused = 0
    for damaged in flipped(content):
        path.write_bytes(resealed(data, member, damaged))
        refused += read(module, path) is None
    assert refused > len(content)


def test_whatever_opcodes_stand_in_a_pickle_nothing_but_errors_of_ours_comes_of_them(tmp_path: Path) -> None:
    generator = random.Random(0)
    fragments = [
        *pytorch.FRAGMENTS,
        *(bytes([opcode]) for opcode in b"().RQabdelstu012N\x81\x85\x86\x87\x88\x93\x94\x8f]}"),
    ]
    for _ in range(2000):
        opcodes = b"".join(generator.choice(fragments) for _ in range(generator.randint(1, 14)))
        read("pytorch_files", pytorch.whole(b"\x80\x02" + opcodes + b".")(tmp_path))


FLIP_HDF5 = """
import sys
from pathlib import Path
from dovetail_checkpointing.interchange import ForeignLimits, keras_files
from dovetail_protocols.errors import DovetailError

path = Path(sys.argv[1])
data, refused = path.read_bytes(), 0
for place in range(0, len(data), 11):
    for bit in range(8):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
        try:
            with keras_files.reading(path, ForeignLimits()) as contents:
                [array.read() for array in contents.arrays.values()]
        except DovetailError:
            refused += 1
print(refused)
"""


def test_flipped_bits_of_an_hdf5_file_raise_errors_of_ours_or_nothing(tmp_path: Path) -> None:
    """In a process of its own, as HDF5 is read: a fault of the library would end it."""
    import_module("dovetail_checkpointing.interchange.keras_files").write(tmp_path / "a.weights.h5", CONTENTS)
    command = [sys.executable, "-c", FLIP_HDF5, str(tmp_path / "a.weights.h5")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
