"""`dovetail checkpoint`: what each subcommand prints for readers and programs, and its exit status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail_checkpointing as checkpointing
from dovetail.__main__ import main
from dovetail_checkpointing.storage import LocalFileSystem

SHARD = "model-00000-of-00001.safetensors"


def tree(step: int) -> dict[str, Any]:
    shared = np.full((4, 3), step, np.float32)
    return {"model": {"embedding": shared, "layers": [{"bias": np.zeros(3)}], "head": shared}, "rate": 0.1, "n": step}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training of three steps in the folder "run" of the current folder."""
    monkeypatch.chdir(tmp_path)
    manager = checkpointing.Manager("run")
    for step in (1, 2, 3):
        manager.save(step, tree(step), metrics={"loss": 1 / step})
    return tmp_path / "run"


class Command:
    """Runs the command line, and has what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""

    def __call__(self, *arguments: str, status: int = 0) -> str:
        got = main(["checkpoint", *arguments])
        out, self.err = self._capsys.readouterr()
        assert got == status, out + self.err
        return out

    def json(self, *arguments: str, status: int = 0) -> Any:
        """The document that a subcommand prints with --json."""
        document = json.loads(self(*arguments, "--json", status=status), parse_constant=pytest.fail)
        assert document["format"] == f"dovetail.checkpoint-{arguments[0]}"
        return document


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def damage(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def step_path(run: Path, step: int) -> Path:
    return run / f"step-{step:012}"


# ---------------------------------------------------------------------- ls


def test_ls_lists_steps_with_what_is_said_of_them(run: Path, command: Command) -> None:
    lines = command("ls", "run").splitlines()
    assert lines[0].split() == ["checkpoint", "step", "saved", "(UTC)", "tensors", "bytes", "metrics", "state"]
    assert [line.split()[:2] for line in lines[2:]] == [[f"step-{n:012}", str(n)] for n in (1, 2, 3)]
    assert "loss 0.5" in lines[3]
    assert all(line.endswith("unverified") for line in lines[2:])
    rows = command.json("ls", "run")["checkpoints"]
    assert [row["step"] for row in rows] == [1, 2, 3]
    on_disk = sum(file.stat().st_size for file in step_path(run, 2).iterdir())
    assert (rows[1]["tensors"], rows[1]["bytes"], rows[1]["metrics"]) == (2, on_disk, {"loss": 0.5})


def test_ls_tells_damaged_and_unsafe_ones(run: Path, command: Command) -> None:
    damage(step_path(run, 1) / SHARD)
    assert [row["state"] for row in command.json("ls", "run")["checkpoints"]] == ["unverified"] * 3
    rows = command.json("ls", "run", "--verify", status=1)["checkpoints"]
    assert [row["state"] for row in rows] == ["damaged", "sound", "sound"]
    assert rows[0]["problem"].startswith(f"{SHARD}: bytes 4,096 to")
    assert f"step-000000000001: {SHARD}: bytes" in command("ls", "run", "--verify", status=1)
    (step_path(run, 2) / "manifest.json").rename(run / "elsewhere")
    (step_path(run, 2) / "manifest.json").symlink_to(run / "elsewhere")
    (step_path(run, 3) / "manifest.json").unlink()
    rows = command.json("ls", "run", status=3)["checkpoints"]
    assert [row["state"] for row in rows] == ["unverified", "unsafe", "damaged"]


def test_ls_of_a_folder_without_checkpoints_says_so(run: Path, command: Command) -> None:
    command("ls", ".", status=2)
    assert "there is no checkpoint in this folder" in command.err
    assert command("ls", str(step_path(run, 1))).count("step-") == 1


# ---------------------------------------------------------------------- inspect


def test_inspect_shows_everything_but_values(run: Path, command: Command) -> None:
    out = command("inspect", "run/step-000000000003")
    assert "checkpoint, step 3" in out
    assert "2 tensors, 72 B in 1 file, 2 scalars, 1 tied path" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["model/embedding", "float32", "4", "×", "3", "48"] in rows
    assert ["model/head", "model/embedding"] in rows
    assert ["rate", "float", "0.1"] in rows
    document = command.json("inspect", "run/step-000000000003")
    with checkpointing.open(step_path(run, 3)) as reader:
        assert document["digest"] == reader.digest
    assert document["tensors"][1] == {
        "name": "model/layers/0/bias",
        "path": ["model", "layers", 0, "bias"],
        "dtype": "float64",
        "shape": [3],
        "bytes": 24,
    }
    assert document["scalars"][0]["value"] == "0.1"


def test_inspect_reads_no_tensor_data(run: Path, command: Command) -> None:
    sound = command("inspect", "run/step-000000000003")
    for file in step_path(run, 3).glob("*.safetensors"):
        file.unlink()
    assert command("inspect", "run/step-000000000003") == sound


def test_inspect_shows_tensors_that_match(run: Path, command: Command) -> None:
    out = command("inspect", "run/step-000000000003", "--tensors", "*/bias", "--tensors", "nothing")
    assert "model/embedding" not in out
    assert "1 of 2 tensors match" in out


def test_numbers_in_json_are_exact(tmp_path: Path, command: Command) -> None:
    values = {"big": 2**200 + 1, "nan": float("nan"), "bytes": b"\0\xff", "none": None, "yes": True}
    checkpointing.save(tmp_path / "c", values, metrics={"loss": float("inf")})
    document = command.json("inspect", str(tmp_path / "c"))
    assert {one["name"]: (one["type"], one["value"]) for one in document["scalars"]} == {
        "big": ("int", str(2**200 + 1)),
        "nan": ("float", "nan"),
        "bytes": ("bytes", "AP8="),
        "none": ("NoneType", "None"),
        "yes": ("bool", "True"),
    }
    assert document["metrics"] == {"loss": "inf"}


def test_what_a_stranger_wrote_cannot_move_the_cursor(tmp_path: Path, command: Command) -> None:
    hostile = {"a\u202eb": np.ones(1), "\u200bzero": np.ones(1), "n": "\x1b[2J\r\x07\u2028x", "漢字": np.ones(1)}
    checkpointing.save(tmp_path / "c", hostile, metrics={"l\u2066s": 1.0})
    checkpointing.save(tmp_path / "d", {**hostile, "n": "\x9b31m"})
    path = str(tmp_path / "c")
    for out in (
        command("inspect", path),
        command("verify", path),
        command("diff", path, str(tmp_path / "d"), status=1),
    ):
        assert all(line.isprintable() for line in out.split("\n"))
    assert "a\\u202eb" in command("inspect", path)
    command("verify", str(tmp_path / "no\x1b]0;\u202ething"), status=2)
    assert all(line.isprintable() for line in command.err.split("\n"))
    names = [one["name"] for one in command.json("inspect", path)["tensors"]]
    assert "a\u202eb" in names


# ---------------------------------------------------------------------- verify


def test_verify_tells_files_bytes_and_tensors(run: Path, command: Command) -> None:
    assert command("verify", "run").count(": sound, ") == 3
    damage(step_path(run, 2) / SHARD)
    out = command("verify", "run", status=1)
    assert "step-000000000002: DAMAGED" in out
    assert f"{SHARD}: bytes 4,096 to 4,168: CRC-32" in out
    assert "2 tensors there: model/embedding, model/layers/0/bias" in out
    assert out.count(": sound, ") == 2
    (_, document, _) = command.json("verify", "run", status=1)["checkpoints"]
    assert not document["sound"]
    assert document["damages"][0]["file"] == SHARD
    command("verify", "run/step-000000000002", "--level", "header")


def test_verify_tells_a_lost_manifest_and_a_missing_file(run: Path, command: Command) -> None:
    (step_path(run, 1) / "manifest.json").unlink()
    (step_path(run, 2) / SHARD).unlink()
    out = command("verify", "run/step-000000000001", "run/step-000000000002", status=1)
    assert "manifest.json: it is missing" in out
    assert f"{SHARD}: it can't be opened: No such file or directory" in out
    command("inspect", "run/step-000000000001", status=1)
    assert "a checkpoint has lost its manifest" in command.err


def test_verify_goes_on_after_one_that_is_unsafe(run: Path, command: Command) -> None:
    damage(step_path(run, 2) / SHARD)
    (step_path(run, 1) / "manifest.json").rename(run / "elsewhere")
    (step_path(run, 1) / "manifest.json").symlink_to(run / "elsewhere")
    out = command("verify", "run", status=3)
    assert "step-000000000001: NOT READ" in out
    assert "no regular file" in out
    assert "step-000000000002: DAMAGED" in out
    documents = command.json("verify", "run", status=3)["checkpoints"]
    assert documents[0]["error"]["kind"] == "CheckpointUnsafeError"
    command("inspect", "run/step-000000000001", status=3)


# ---------------------------------------------------------------------- diff


def test_diff_tells_all_that_differs(run: Path, command: Command) -> None:
    checkpointing.save("other", {**tree(3), "model": {"embedding": np.ones(2), "layers": [{"bias": np.ones(3)}]}})
    out = command("diff", "run/step-000000000003", "other", status=1)
    rows = [line.split() for line in out.splitlines()]
    assert ["step:", "3", "in", "a,", "None", "in", "b"] in rows
    assert ["model/head", "float32", "4", "×", "3"] in rows
    assert ["model/embedding", "float32", "4", "×", "3", "float64", "2"] in rows
    assert ["model/layers/0/bias", "3", "3", "1", "1", "1", "–"] in rows
    assert ["loss", "0.3333333333333333", "–"] in rows
    assert ["model/head", "model/embedding", "–"] in rows
    assert out.endswith("1 only in a, 1 of another shape or dtype, 1 with other values, 0 the same\n")
    document = command.json("diff", "run/step-000000000003", "other", status=1)
    assert (document["same"], document["step"]) == (False, [3, None])
    assert document["changed"][0]["max_absolute"] == 1.0
    assert document["redescribed"][0]["b"] == {"dtype": "float64", "shape": [2], "bytes": 16}
    assert document["aliases"] == [{"name": "model/head", "a": {"type": "str", "value": "model/embedding"}, "b": None}]


def test_diff_of_the_same_is_0(run: Path, command: Command) -> None:
    shutil.copytree(step_path(run, 1), "copy")
    assert "nothing differs: 2 tensors the same" in command("diff", "run/step-000000000001", "copy")
    assert command.json("diff", "run/step-000000000001", "copy")["same"]
    checkpointing.save("one", {"x": np.ones(1)})
    checkpointing.save("two", {"x": np.zeros(1)})
    assert "values were not compared" in command("diff", "one", "two", "--no-values")


def test_diff_of_a_damaged_one_names_the_bytes(run: Path, command: Command) -> None:
    damage(step_path(run, 2) / SHARD)
    document = command.json("diff", "run/step-000000000001", "run/step-000000000002", status=1)
    assert document["error"]["kind"] == "CheckpointCorruptError"
    assert "bytes 4,096 to 4,168" in document["error"]["cause"]
    assert "a checkpoint is damaged" in command.err


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
