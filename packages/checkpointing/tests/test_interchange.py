"""convert: the same arrays whatever the format, through the reading process; errors of it; targets whole or absent."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import dovetail_checkpointing
from dovetail_checkpointing.interchange import ForeignLimits, convert, keras_files
from dovetail_protocols.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointMismatchError,
    CheckpointSpaceError,
    CheckpointUnsafeError,
    DTypeError,
    MissingPackageError,
)

from .byte_order import little_endian
from .hostile import hdf5, pytorch, zips
from .safetensors_library import upstream

Arrays = dict[str, np.ndarray[Any, Any]]
GENERATOR = np.random.default_rng(0)
ARRAYS: Arrays = {
    "layers/0/kernel": GENERATOR.standard_normal((2, 3)).astype(np.float32),
    "layers/0/bias": np.array([-0.0, np.nan, np.inf], np.float64),
    "step": np.array(7, np.int64),
    "mask": np.array([True, False]),
    "nothing": np.zeros((0, 4), np.uint8),
    "column order": np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
    "half": np.array([1.5, 5e-8], np.float16),
}
EXTENDED: Arrays = {
    "bfloat16": np.array([[1.5], [-2.0]], ml_dtypes.bfloat16),
    "float8": np.array([0.5, 448.0], ml_dtypes.float8_e4m3fn),
}


def assert_same(found: Arrays, expected: Arrays) -> None:
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        assert (found[name].dtype.name, found[name].shape) == (array.dtype.name, array.shape), name
        assert little_endian(found[name]) == little_endian(array), name


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint of the arrays."""
    tree: dict[Any, Any] = {"layers": {0: {}}}
    for name, array in ARRAYS.items():
        *_, last = name.split("/")
        (tree["layers"][0] if name.startswith("layers") else tree)[last] = array
    dovetail_checkpointing.save(tmp_path / "saved", tree)
    return tmp_path / "saved"


def test_arrays_are_the_same_in_each_format_one_after_the_other(saved: Path, tmp_path: Path) -> None:
    files = ("a.npz", "b.safetensors", "c.safetensors.index.json", "d.pt", "e.weights.h5", "f")
    names = {"d.pt": {"layers/0/*": "layers.0.*"}, "e.weights.h5": {"layers.0.*": "layers/0/*"}}
    source = saved
    for name in files:
        result = convert(source, tmp_path / name, names=names.get(name))
        assert len(result.arrays) == len(ARRAYS)
        source = tmp_path / name
    with dovetail_checkpointing.open(source) as checkpoint:
        assert_same({name: checkpoint.read(name) for name in checkpoint.tensors}, ARRAYS)


def test_files_are_read_by_the_libraries_whose_formats_they_are(saved: Path, tmp_path: Path) -> None:
    convert(saved, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert_same(dict(found), ARRAYS)
    convert(saved, tmp_path / "b.safetensors")
    assert_same(upstream().load_file(tmp_path / "b.safetensors"), ARRAYS)


def test_files_of_other_writers_are_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", big=np.arange(3, dtype=">f8"), **ARRAYS)
    convert(tmp_path / "a.npz", tmp_path / "a")
    with dovetail_checkpointing.open(tmp_path / "a") as checkpoint:
        found = {name: checkpoint.read(name) for name in checkpoint.tensors}
    assert_same(found, {**ARRAYS, "big": np.arange(3, dtype=np.float64)})
    in_order = {name: array.copy(order="C") for name, array in (ARRAYS | EXTENDED).items()}  # it takes no other right
    upstream().save_file(in_order, tmp_path / "b.safetensors", {"format": "pt"})
    convert(tmp_path / "b.safetensors", tmp_path / "b.pt")
    convert(tmp_path / "b.pt", tmp_path / "c.safetensors")
    written = dict(upstream().deserialize((tmp_path / "c.safetensors").read_bytes()))
    for name, array in (ARRAYS | EXTENDED).items():
        assert bytes(written[name]["data"]) == little_endian(array), name


def test_weights_in_a_keras_archive_are_read_and_its_configuration_is_not(saved: Path, tmp_path: Path) -> None:
    convert(saved, tmp_path / "model.weights.h5")
    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", '{"module": "os", "class_name": "system", "config": "true"} and no JSON')
        archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
    convert(tmp_path / "m.keras", tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as found:
        assert_same(dict(found), ARRAYS)
    with pytest.raises(CheckpointError, match=r"\.weights\.h5 file only"):
        convert(saved, tmp_path / "b.keras")


def test_the_same_contents_give_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    for name in ("{}.npz", "{}.safetensors", "{}.pt", "{}.weights.h5"):
        first, second = (tmp_path / name.format(place) for place in "12")
        convert(saved, first)
        convert(saved, second)
        assert first.read_bytes() == second.read_bytes(), name


def test_plain_values_go_where_they_can_and_are_refused_where_they_cannot(tmp_path: Path) -> None:
    tree = {"lr": 0.1, "epoch": 2**70, "name": "é", "best": None, "done": True, "w": np.ones(2, np.float32)}
    dovetail_checkpointing.save(tmp_path / "a", tree)
    convert(tmp_path / "a", tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "b")
    with dovetail_checkpointing.open(tmp_path / "b") as checkpoint:
        assert checkpoint.scalars == {name: value for name, value in tree.items() if name != "w"}
    with pytest.raises(CheckpointMismatchError, match="holds arrays only"):
        convert(tmp_path / "a", tmp_path / "a.npz")
    result = convert(tmp_path / "a", tmp_path / "a.npz", unexpected="drop")
    assert sorted(result.dropped) == ["best", "done", "epoch", "lr", "name"]


@pytest.mark.parametrize(
    ("name", "what"), [("a.npz", "can't say"), ("a.weights.h5", "HDF5"), ("a.safetensors", "safetensors")]
)
def test_a_dtype_that_the_target_lacks_is_refused_by_name(name: str, what: str, tmp_path: Path) -> None:
    odd = np.ones(2, np.complex128) if name == "a.safetensors" else EXTENDED["float8"]
    dovetail_checkpointing.save(tmp_path / "a", {"odd": odd})
    with pytest.raises(DTypeError, match=what) as caught:
        convert(tmp_path / "a", tmp_path / name)
    assert "'odd'" in str(caught.value.where)
    assert sorted(os.listdir(tmp_path)) == ["a"]


def test_metadata_of_safetensors_files_is_kept_and_says_pytorch_of_what_came_from_it(tmp_path: Path) -> None:
    arrays = {"w": np.ones(1, np.float32)}
    upstream().save_file(arrays, tmp_path / "a.safetensors", {"by": "tests"})
    convert(tmp_path / "a.safetensors", tmp_path / "m.safetensors.index.json")
    convert(tmp_path / "m.safetensors.index.json", tmp_path / "b.safetensors")
    with upstream().safe_open(tmp_path / "b.safetensors", "numpy") as found:
        assert found.metadata() == {"by": "tests", "format": "pt"}
    convert(tmp_path / "a.safetensors", tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "c.safetensors")
    with upstream().safe_open(tmp_path / "c.safetensors", "numpy") as found:
        assert found.metadata() == {"format": "pt"}


def test_one_array_of_two_names_stays_one(tmp_path: Path) -> None:
    shared = np.arange(1000, dtype=np.float32)
    dovetail_checkpointing.save(tmp_path / "a", {"embed": {"w": shared}, "head": {"w": shared}, "other": shared.copy()})
    convert(tmp_path / "a", tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        assert sum("/data/" in name for name in archive.namelist()) == 2
    convert(tmp_path / "a.pt", tmp_path / "b")
    tree = dovetail_checkpointing.restore(tmp_path / "b").tree
    assert tree["embed"]["w"] is tree["head"]["w"]
    assert tree["other"] is not tree["head"]["w"]
    assert np.array_equal(tree["embed"]["w"], shared)


def test_storages_of_pytorch_in_the_other_byte_order_are_read(tmp_path: Path) -> None:
    path = pytorch.pt(pytorch.tensor(), np.array([1.5], ">f4").tobytes(), byteorder=b"big")(tmp_path)
    convert(path, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as found:
        assert found["a"].tolist() == [1.5]


# Safety


@pytest.mark.parametrize(
    ("hostile", "error"),
    [
        (zips.FILES["pickled objects"], CheckpointUnsafeError),
        (pytorch.FILES["os.system"], CheckpointUnsafeError),
        (hdf5.FILES["link to another file"], CheckpointUnsafeError),
        (hdf5.FILES["cut short"], CheckpointCorruptError),
        (zips.FILES["texts"], DTypeError),
    ],
)
def test_errors_of_the_reading_process_arrive_whole_and_nothing_is_left(
    hostile: Any, error: type[Exception], tmp_path: Path
) -> None:
    (tmp_path / "source").mkdir()
    path = hostile.make(tmp_path / "source")
    (tmp_path / "target").mkdir()
    with pytest.raises(error) as caught:
        convert(path, tmp_path / "target" / "x.safetensors")
    assert type(caught.value) is hostile.error
    assert hostile.says in str(caught.value)
    assert os.listdir(tmp_path / "target") == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't bound the memory of a process")
def test_a_file_that_needs_more_memory_than_allowed_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(256 << 20, np.uint8))
    with pytest.raises(CheckpointUnsafeError, match="more memory") as caught:
        convert(tmp_path / "a.npz", tmp_path / "b.npz", limits=ForeignLimits(memory_bytes=256 << 20))
    assert "ForeignLimits(memory_bytes=...)" in str(caught.value.fix)
    assert sorted(os.listdir(tmp_path)) == ["a.npz"]


def test_the_target_is_replaced_only_on_request_and_stays_on_failure(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.npz"
    target.write_bytes(b"precious")
    with pytest.raises(CheckpointError, match="exists already"):
        convert(saved, target)
    dovetail_checkpointing.save(tmp_path / "odd", {"odd": EXTENDED["float8"]})
    with pytest.raises(DTypeError):
        convert(tmp_path / "odd", target, overwrite=True)
    assert target.read_bytes() == b"precious"
    convert(saved, target, overwrite=True)
    with np.load(target) as found:
        assert_same(dict(found), ARRAYS)
    assert sorted(os.listdir(tmp_path)) == ["a.npz", "odd", "saved"]


def test_shards_are_not_replaced_one_by_one(saved: Path, tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    convert(saved, index)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("model*")}
    with pytest.raises(CheckpointError, match="exists already"):
        convert(saved, index, overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("model*")} == before


def test_a_full_disk_is_told_as_such_and_leaves_nothing(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointSpaceError, match="could not be written"):
        convert(saved, tmp_path / "a.safetensors")
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(CheckpointSpaceError, match="no room for a conversion"):
        convert(saved, tmp_path / "a.weights.h5")
    assert os.listdir(tmp_path) == ["saved"]


def test_a_checkpoint_is_replaced_on_request_only_and_refused_before_anything_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w=np.ones(1))
    convert(tmp_path / "a.npz", tmp_path / "a")
    with pytest.raises(CheckpointError, match="exists already"):
        convert(tmp_path / "is not there.npz", tmp_path / "a")
    np.savez(tmp_path / "b.npz", w=np.zeros(2))
    convert(tmp_path / "b.npz", tmp_path / "a", overwrite=True)
    assert dovetail_checkpointing.restore(tmp_path / "a").tree["w"].tolist() == [0, 0]


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_file_has_the_mode_that_the_umask_leaves(saved: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        convert(saved, tmp_path / "a.safetensors")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode) == 0o640


def test_an_unknown_suffix_is_refused_with_those_that_are_known(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no known format") as caught:
        convert(saved, tmp_path / "a.model")
    assert ".safetensors" in str(caught.value)
    convert(saved, tmp_path / "a.model", to="safetensors")
    assert_same(upstream().load_file(tmp_path / "a.model"), ARRAYS)
    convert(tmp_path / "a.model", tmp_path / "a.npz", source_format="safetensors")
    with np.load(tmp_path / "a.npz") as found:
        assert_same(dict(found), ARRAYS)
    with pytest.raises(CheckpointError, match="unknown format"):
        convert(saved, tmp_path / "b", to="gguf")


def test_without_h5py_the_extra_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    path = hdf5.FILES["cut short"].make(tmp_path)
    with pytest.raises(MissingPackageError, match="need h5py") as caught, keras_files.reading(path, ForeignLimits()):
        pytest.fail("nothing can be read")
    assert 'pip install "dovetail-checkpointing[keras]"' in str(caught.value)
