"""`dovetail checkpoint gc | quarantine`, and what all subcommands have in common: errors, bars, plain files, URLs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dovetail_checkpointing as checkpointing
from dovetail_checkpointing.storage import LocalFileSystem

from .checkpoint_command import SHARD, Command, damage, step_path, tree

# ---------------------------------------------------------------------- gc and quarantine


def unfinished(run: Path) -> Path:
    leftover = run / ".tmp-step-000000000004-0123456789abcdef"
    leftover.mkdir()
    (leftover / SHARD).write_bytes(bytes(2048))
    return leftover


def test_gc_shows_and_removes_what_was_left_behind(run: Path, command: Command) -> None:
    leftover = unfinished(run)
    assert "1 unfinished save or removal, 2 KiB" in command("ls", "run")
    out = command("gc", "run", "--dry-run")
    assert f"{leftover.name}: unfinished save of step-000000000004, 2 KiB, would be removed" in out
    assert leftover.exists()
    (document,) = command.json("gc", "run", "--dry-run")["leftovers"]
    assert (document["bytes"], document["in_use"], document["removal"]) == (2048, False, False)
    assert "1 leftover, 2 KiB freed" in command("gc", "run")
    assert not leftover.exists()
    assert command("gc", "run") == "nothing is left behind\n"


def test_gc_leaves_alone_what_somebody_is_at_work_on(run: Path, command: Command) -> None:
    leftover = unfinished(run)
    lock = LocalFileSystem().lock(run / ".step-000000000004.lock", keep=False)
    assert "left alone, somebody is at work on it" in command("gc", "run")
    lock.release()
    assert leftover.exists()


def test_quarantine_moves_what_is_damaged(run: Path, command: Command) -> None:
    assert command("quarantine", "run") == "nothing is damaged: nothing was moved\n"
    damage(step_path(run, 3) / SHARD)
    (step_path(run, 2) / "manifest.json").unlink()
    moved = command.json("quarantine", "run")["moved"]
    assert [Path(one["from"]).name for one in moved] == ["step-000000000002", "step-000000000003"]
    assert all(Path(one["to"]).is_dir() and not Path(one["from"]).exists() for one in moved)
    assert checkpointing.latest_checkpoint("run") == Path("run/step-000000000001")
    assert [row["state"] for row in command.json("ls", "run")["checkpoints"]] == [*["quarantined"] * 2, "unverified"]
    assert command("verify", "run").count("\n") == 1


def test_quarantine_of_a_sound_one_has_to_be_asked_for(run: Path, command: Command) -> None:
    command("quarantine", "run/step-000000000003", status=2)
    assert "this checkpoint is sound" in command.err
    command("quarantine", "run", "--even-if-sound", status=2)
    assert "is now run/quarantine-step-000000000003-" in command(
        "quarantine", "run/step-000000000003", "--even-if-sound"
    )


# ---------------------------------------------------------------------- errors


def test_errors_say_what_is_there_instead(run: Path, command: Command) -> None:
    for path, told in [
        ("rum/step-1", "did you mean run?"),
        ("run/step-00000000003", "did you mean run/step-000000000003?"),
        ("run", "name one of them, such as run/step-000000000003"),
        ("run/step-000000000003/manifest.json", "name the folder that it is in: run/step-000000000003"),
    ]:
        document = command.json("inspect", path, status=2)
        assert told in document["error"]["fix"]
        assert told in command.err
    assert command.err.startswith("dovetail checkpoint inspect: ")


def test_a_folder_that_may_not_be_read_is_said_to_be(
    run: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(storage: LocalFileSystem, path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(LocalFileSystem, "list_folder", refuse)
    command("inspect", "run", status=2)
    assert "Permission denied" in command.err


def test_wrong_usage_is_2(command: Command) -> None:
    for arguments in ([], ["inspect"], ["verify", "x", "--level", "most"]):
        with pytest.raises(SystemExit) as caught:
            command(*arguments)
        assert caught.value.code == 2


# ---------------------------------------------------------------------- plain files, URLs


def test_plain_files_are_inspected_and_compared(run: Path, command: Command) -> None:
    shard = f"run/step-000000000003/{SHARD}"
    out = command("inspect", shard)
    assert f"{shard}: file\n" in out
    assert ["model/embedding", "float32", "4", "×", "3", "48"] in [line.split() for line in out.splitlines()]
    document = command.json("inspect", shard)
    assert (document["kind"], document["digest"], document["tensor_bytes"]) == ("file", None, 72)
    (step_path(run, 2) / "manifest.json").unlink()  # what is left of it can still be looked at
    out = command("diff", "run/step-000000000003", f"run/step-000000000002/{SHARD}", status=1)
    assert ["model/embedding", "12", "12", "1", "0.3333", "1", "–"] in [line.split() for line in out.splitlines()]
    assert out.endswith("only tensors were compared: a plain file holds nothing else\n")
    assert command.json("diff", shard, shard)["same"]
    command("inspect", shard, "--html", "page.html", "--tensors", "*")
    assert "A plain file of tensors" in Path("page.html").read_text("utf-8")
    command("verify", shard, status=2)
    command("ls", shard, status=2)
    Path("cut.safetensors").write_bytes(Path(shard).read_bytes()[:-1])
    command("inspect", "cut.safetensors", status=1)
    Path("odd.safetensors").write_bytes((16).to_bytes(8, "little") + b" " * 16)
    command("inspect", "odd.safetensors", status=3)


def test_checkpoints_at_a_url_are_found_too(command: Command) -> None:
    pytest.importorskip("fsspec", reason="URLs need it")
    url = "memory://dovetail-commands/run"
    manager = checkpointing.Manager(url)
    for step in (1, 2):
        manager.save(step, tree(step))
    assert [row["name"] for row in command.json("ls", url, "--verify")["checkpoints"]] == [
        "step-000000000001",
        "step-000000000002",
    ]
    assert "checkpoint, step 2" in command("inspect", f"{url}/step-000000000002")
    assert "1 with other values, 1 the same" in command("diff", *[f"{url}/step-{n:012}" for n in (1, 2)], status=1)
    command("inspect", f"{url}/step-3", status=2)
    assert "there is nothing of that name" in command.err
    command("quarantine", f"{url}/step-000000000001", "--even-if-sound", status=2)
    assert "this storage can't rename" in command.err


# ---------------------------------------------------------------------- large, piped


def test_long_work_shows_a_bar_on_terminals_only(run: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command("verify", "run")
    assert command.err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    command("verify", "run/step-000000000003")
    assert "verifying run/step-000000000003" in command.err
    assert "100 % of 4.07 KiB" in command.err
    assert command.err.endswith("\r\x1b[K")


def test_many_tensors_are_listed_and_a_reader_may_have_seen_enough(tmp_path: Path) -> None:
    many = {f"t{n:06}": np.float32(n) for n in range(100_000)}
    checkpointing.save(tmp_path / "c", many, durability="process")
    command = [sys.executable, "-m", "dovetail", "checkpoint", "inspect", str(tmp_path / "c")]
    reading, writing = os.pipe()
    with subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE, text=True) as process:
        os.close(writing)
        with os.fdopen(reading) as out:
            assert "100,000 tensors" in out.readline() + out.readline() + out.readline()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0
