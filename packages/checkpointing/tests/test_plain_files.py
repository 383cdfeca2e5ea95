"""Plain safetensors files as sources of tensors, read in parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dovetail_checkpointing import sources
from dovetail_checkpointing.comparing import compare_tensors
from dovetail_checkpointing.plain_files import open_safetensors
from dovetail_checkpointing.statistics import statistics
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError

from .safetensors_library import upstream


def test_files_of_the_library_are_read_by_path(tmp_path: Path) -> None:
    arrays = {"layers/0/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(7, np.int64)}
    upstream().save_file(arrays, tmp_path / "a.safetensors", {"made": "here"})
    with open_safetensors(tmp_path / "a.safetensors") as source:
        assert source.metadata == {"made": "here"}
        assert set(source.tensors) == {("layers", 0, "kernel"), ("n",)}
        found = source.read_several([("layers", 0, "kernel"), ("n",)])
    assert np.array_equal(found["layers", 0, "kernel"], arrays["layers/0/kernel"])
    assert found["n",] == 7


@pytest.mark.parametrize("shape", [(7, 5, 11), (1, 385), (385,), (3, 0, 5), ()])
def test_parts_put_together_are_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr(sources, "BLOCK_BYTES", 100)
    array = np.arange(np.prod(shape, dtype=int), dtype=np.int32).reshape(shape)
    upstream().save_file({"before": np.ones(3), "x": array}, tmp_path / "a.safetensors")
    with open_safetensors(tmp_path / "a.safetensors") as source:
        read = [source.read_part(("x",), part) for part in sources.parts(source.tensors["x",])]
    assert all(one.nbytes <= 100 for one in read)
    assert np.array_equal(np.concatenate([one.reshape(-1) for one in read]), array.reshape(-1))


def test_two_files_are_compared(tmp_path: Path) -> None:
    upstream().save_file({"x": np.array([1.0, np.nan]), "y": np.ones(3)}, tmp_path / "a.safetensors")
    upstream().save_file({"x": np.array([1.5, np.nan]), "y": np.ones(3)}, tmp_path / "b.safetensors")
    with open_safetensors(tmp_path / "a.safetensors") as one, open_safetensors(tmp_path / "b.safetensors") as other:
        (difference,), same = compare_tensors(one, other)
        assert statistics(one, ("x",)).nans == 1
    assert difference.values is not None
    assert (difference.values.changed, difference.values.max_absolute, same) == (1, 0.5, 1)


def test_what_the_format_does_not_allow_is_refused(tmp_path: Path) -> None:
    def refused(header: bytes, data: bytes) -> None:
        (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data)
        with open_safetensors(tmp_path / "a.safetensors"):
            pass

    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    refused(json.dumps({"x": entry}).encode(), bytes(8))
    with pytest.raises(CheckpointCorruptError):
        refused(json.dumps({"x": entry}).encode(), bytes(7))
    with pytest.raises(CheckpointUnsafeError):
        refused(b" " + json.dumps({"x": entry}).encode(), bytes(8))
    (tmp_path / "folder").mkdir()
    with pytest.raises(CheckpointUnsafeError, match="no regular file"), open_safetensors(tmp_path / "folder"):
        pass
