"""`dovetail checkpoint ls | inspect | verify | diff`: what they print for readers and programs, and exit statuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

import dovetail_checkpointing as checkpointing

from .checkpoint_command import SHARD, Command, damage, step_path, tree

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
    assert not any(line.startswith("model/embedding") for line in out.splitlines())
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
    assert f"{SHARD}: it is missing" in out
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
