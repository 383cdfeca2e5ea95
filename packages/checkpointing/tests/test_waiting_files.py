"""The files of a checkpoint while its values wait."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dovetail_checkpointing import Checkpoint, Reader, bind, save
from dovetail_protocols.errors import (
    CheckpointCorruptError,
    CheckpointUnsafeError,
)

from .late_objects import Late


@pytest.mark.skipif(os.name != "posix", reason="elsewhere open files can't be removed")
@pytest.mark.parametrize("replaced", [False, True])
def test_values_wait_in_open_files_that_nobody_can_take_away(saved: Path, variable: Any, replaced: bool) -> None:
    net = Late()
    with bind(saved, {"net": net}):
        shutil.rmtree(saved)
        if replaced:
            save(saved, {"net": {"a": variable([7.0])}})
        assert net.set("a", variable([0.0])).payload.tolist() == [1.0]
        assert net.set("b", variable([0.0, 0.0])).payload.tolist() == [2.0, 2.0]


def test_files_are_closed_when_the_wait_ends(saved: Path, variable: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Reader] = []
    close = Reader.close
    monkeypatch.setattr(Reader, "close", lambda reader: closed.append(reader) or close(reader))
    net = Late(a=variable([0.0]))
    status = Checkpoint(net=net).restore(saved)
    assert closed == []
    net.set("b", variable([0.0, 0.0]))
    assert status.waiting == ()
    assert len(closed) == 1


def test_a_file_that_is_missing_is_noticed_before_anything_is_changed(saved: Path, variable: Any) -> None:
    next(saved.glob("*.safetensors")).unlink()
    made = variable([0.0])
    with pytest.raises(CheckpointCorruptError, match="is missing"):
        Checkpoint(net=Late(a=made)).restore(saved)
    assert made.payload.tolist() == [0.0]


def test_damage_found_late_leaves_the_variable_alone(saved: Path, variable: Any) -> None:
    net = Late()
    Checkpoint(net=net).restore(saved)
    file = next(saved.glob("*.safetensors"))
    data = bytearray(file.read_bytes())
    data[4096] ^= 1
    file.write_bytes(data)
    made = variable([0.0])
    with pytest.raises(CheckpointCorruptError):
        net.set("a", made)
    assert made.payload.tolist() == [0.0]


def test_each_chunk_is_read_once_however_many_variables_wait_for_it(
    tmp_path: Path, variable: Any, monkeypatch: Any
) -> None:
    count = 50
    save(tmp_path / "c", {"net": {f"v{place}": variable([float(place)]) for place in range(count)}})
    reads: list[int] = []
    read_records = Reader.read_records
    monkeypatch.setattr(Reader, "read_records", lambda *given: reads.append(len(given[1])) or read_records(*given))
    net = Late()
    with bind(tmp_path / "c", {"net": net}):
        for place in reversed(range(count)):
            assert net.set(f"v{place}", variable([0.0])).payload.tolist() == [place]
    assert reads == [count]


def test_a_pinned_digest_holds_for_what_waits_too(saved: Path, variable: Any) -> None:
    receipt = save(saved.parent / "d", {"net": {"a": variable([1.0])}})
    with pytest.raises(CheckpointUnsafeError):
        Checkpoint(net=Late()).restore(saved, expected_digest=receipt.digest)
    net = Late()
    Checkpoint(net=net).restore(saved.parent / "d", expected_digest=receipt.digest)
    assert net.set("a", variable([0.0])).payload.tolist() == [1.0]
