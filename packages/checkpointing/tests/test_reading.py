"""An open checkpoint: what it holds, and parts of its tensors."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from dovetail_checkpointing import open, restore, save
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError, CheckpointUnsafeError


def test_it_says_what_it_holds_without_reading_tensors(tmp_path: Path) -> None:
    shared = np.ones((2, 3), np.float32)
    tree = {"model": {"layers": [{"kernel": shared}, {"kernel": shared}]}, "epoch": 3, "rate": 0.1}
    receipt = save(tmp_path / "c", tree, step=12, metrics={"loss": 0.5})
    with open(tmp_path / "c") as reader:
        assert list(reader.tensors) == ["model/layers/0/kernel", "model/layers/1/kernel"]
        info = reader.tensors["model/layers/1/kernel"]
        assert (info.shape, info.dtype, info.size_bytes) == ((2, 3), "float32", 24)
        assert reader.scalars == {"epoch": 3, "rate": 0.1}
        assert (reader.step, reader.metrics, reader.digest) == (12, {"loss": 0.5}, receipt.digest)
        for name in ("model/layers/1/kernel", ("model", "layers", 1, "kernel")):
            np.testing.assert_array_equal(reader.read(name), shared)


def test_a_name_that_is_not_there_comes_with_the_nearest(tmp_path: Path) -> None:
    save(tmp_path / "c", {"model": {"kernel": np.ones(3)}})
    with open(tmp_path / "c") as reader, pytest.raises(CheckpointError, match="did you mean 'model/kernel'"):
        reader.read("model/kernal")


def test_only_the_chunks_that_are_read_need_to_be_sound(tmp_path: Path) -> None:
    values = np.arange(4 << 20, dtype=np.float64)  # 32 MiB: four chunks
    save(tmp_path / "c", {"x": values})
    file = tmp_path / "c" / "data-00000-of-00001.safetensors"
    damaged = bytearray(file.read_bytes())
    damaged[4096 + (20 << 20)] ^= 1
    file.write_bytes(damaged)
    with open(tmp_path / "c") as reader:
        np.testing.assert_array_equal(reader.read("x", slice(0, 10)), values[:10])
        np.testing.assert_array_equal(reader.read("x", slice(-10, None)), values[-10:])
        with pytest.raises(CheckpointCorruptError, match=r"bytes 16,781,312 to 25,169,920: CRC-32 .*, while reading x"):
            reader.read("x", (20 << 20) // 8)
    with open(tmp_path / "c", verify="header") as reader:
        assert reader.read("x", (20 << 20) // 8) != values[(20 << 20) // 8]


def test_a_mapped_tensor_is_a_read_only_view_and_checked_first(tmp_path: Path) -> None:
    values = np.arange(5000.0)
    save(tmp_path / "c", {"x": values})
    with open(tmp_path / "c", memory_map=True) as reader:
        mapped = reader.read("x")
    np.testing.assert_array_equal(mapped, values)
    is_view = sys.byteorder == "little"  # elsewhere the numbers aren't what lies there
    assert mapped.flags.writeable != is_view
    assert not (is_view and mapped.flags.owndata)
    file = tmp_path / "c" / "data-00000-of-00001.safetensors"
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "c" / "manifest.json", tmp_path / "other")
    (tmp_path / "other" / file.name).write_bytes(damaged)
    with open(tmp_path / "other", memory_map=True) as reader, pytest.raises(CheckpointCorruptError):
        reader.read("x")


def test_a_reader_keeps_to_its_checkpoint_when_another_takes_the_name(tmp_path: Path) -> None:
    save(tmp_path / "c", {"x": np.ones(3), "y": np.ones(3)})
    with open(tmp_path / "c") as reader:
        reader.open_files()
        save(tmp_path / "c", {"x": np.zeros(3), "y": np.zeros(3)}, overwrite=True)
        assert reader.read("y").tolist() == [1.0, 1.0, 1.0]
    assert restore(tmp_path / "c").tree["y"].tolist() == [0.0, 0.0, 0.0]


def test_a_checkpoint_removed_while_it_is_read_is_not_called_damaged(tmp_path: Path) -> None:
    save(tmp_path / "c", {"x": np.ones(3)})
    with open(tmp_path / "c") as reader:
        shutil.rmtree(tmp_path / "c")
        with pytest.raises(CheckpointError, match="removed while it was read") as caught:
            reader.read("x")
    assert not isinstance(caught.value, CheckpointCorruptError)


def test_another_checkpoint_than_the_one_that_was_pinned_is_refused(tmp_path: Path) -> None:
    receipt = save(tmp_path / "c", {"x": np.ones(3)})
    other = save(tmp_path / "d", {"x": np.zeros(3)})
    assert restore(tmp_path / "c", expected_digest=receipt.digest).tree["x"].all()
    with pytest.raises(CheckpointUnsafeError, match="not the checkpoint whose digest was given") as caught:
        restore(tmp_path / "c", expected_digest=other.digest)
    assert other.digest in str(caught.value)
    assert receipt.digest in str(caught.value)


def test_a_pin_needs_digests_that_nobody_can_forge(tmp_path: Path) -> None:
    receipt = save(tmp_path / "c", {"x": np.ones(3)}, digests=("crc32",))
    restore(tmp_path / "c")
    with pytest.raises(CheckpointUnsafeError, match="without SHA-256"):
        restore(tmp_path / "c", expected_digest=receipt.digest)


def test_a_checkpoint_that_was_closed_says_so(tmp_path: Path) -> None:
    save(tmp_path / "c", {"x": np.ones(3)})
    with open(tmp_path / "c") as reader:
        reader.read("x")
    with pytest.raises(CheckpointError, match="was closed"):
        reader.read("x")
