"""`dovetail checkpoint convert`: from and to files, with names and layouts; what is unsafe is refused with status 3."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import dovetail as dt
from dovetail.__main__ import main
from dovetail.commands.checkpoint.convert import as_options


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def convert(*arguments: str) -> int:
    return main(["checkpoint", "convert", *arguments])


def test_there_and_back_gives_the_same_tensors(capsys: pytest.CaptureFixture[str]) -> None:
    tree = {"net": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(3)}}
    dt.checkpointing.save("first", tree)
    assert convert("first", "weights.safetensors", "--name", "net/*=*") == 0
    assert capsys.readouterr().out == "weights.safetensors: 2 tensors, 0 scalars, 48 B\n"
    assert convert("weights.safetensors", "second", "--name", "*=net/*", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert sorted(document["tensors"]) == ["net/bias", "net/kernel"]
    assert main(["checkpoint", "diff", "first", "second"]) == 0


def test_a_bar_is_shown_on_terminals_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez("weights.npz", x=np.ones(128))
    assert convert("weights.npz", "first") == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert convert("weights.npz", "second") == 0
    shown = capsys.readouterr().err
    assert "converting weights.npz" in shown
    assert " 50 % of 2 KiB" in shown  # read, and not yet written
    assert "100 % of 2 KiB" in shown
    assert shown.endswith("\r\x1b[K")
    assert convert("weights.npz", "third", "--name", "y=z") == 2
    assert "\r\x1b[Kdovetail checkpoint convert: no name fits a pattern" in capsys.readouterr().err


def test_scalars_are_left_out_on_request_only(capsys: pytest.CaptureFixture[str]) -> None:
    dt.checkpointing.save("first", {"x": np.ones(1), "n": 1})
    assert convert("first", "weights.npz") == 2
    assert "arrays only" in capsys.readouterr().err
    assert convert("first", "weights.npz", "--unexpected", "drop") == 0
    assert "left out: n" in capsys.readouterr().out


def test_a_pickle_that_would_run_code_is_unsafe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Bomb:
        def __reduce__(self) -> object:
            return (Path.touch, (folder / "ran",))

    with zipfile.ZipFile("bomb.pt", "w") as archive:
        archive.writestr("bomb/data.pkl", pickle.dumps(Bomb(), 2))
        archive.writestr("bomb/version", "3\n")
    assert convert("bomb.pt", "target", "--json") == 3
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["kind"] == "CheckpointUnsafeError"
    assert "dovetail checkpoint convert: " in err
    assert not (folder / "ran").exists()
    assert not (folder / "target").exists()


def test_layouts_follow_a_module_of_ones_own(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("acme_models.py").write_text(
        "import dovetail as dt\n\n\ndef scorer():\n    model = dt.layers.Sequential([dt.layers.Dense(2)])\n"
        "    model(dt.ones((1, 3)))\n    return model\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(str(folder))
    kernel = np.arange(6, dtype=np.float32).reshape(3, 2)
    dt.checkpointing.save("weights", {"layers": [{"kernel": kernel, "bias": np.zeros(2, np.float32)}]})
    options = ("--like", "acme_models:scorer", "--target-layout", "pytorch")
    assert convert("weights", "weights.npz", *options) == 0, capsys.readouterr().err
    with np.load("weights.npz") as written:
        (stored,) = [written[name] for name in written.files if name.endswith("weight")]
    assert np.array_equal(stored, kernel.T)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("wieghts.npz", "target"), "there is nothing of that name"),
        (("here.npz", "target", "--name", "x"), "can't be read"),
        (("here.npz", "target", "--like", "nothing"), "can't be read"),
        (("here.npz", "target", "--like", "no_module_of_that_name:x"), "names nothing"),
        (("here.npz", "here.npz"), "exists already"),
    ],
)
def test_what_is_wrong_is_told(arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("here.npz", x=np.ones(1))
    assert convert(*arguments) == 2
    assert told in capsys.readouterr().err


def test_what_an_error_says_to_pass_is_an_option_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    dt.checkpointing.save("first", {"x": np.ones(1), "n": 1})
    assert convert("first", "weights.npz") == 2
    assert "pass --unexpected drop to" in capsys.readouterr().err
    assert convert("first", "weights.pt") == 0
    assert convert("first", "weights.pt") == 2
    assert "pass --overwrite to replace" in capsys.readouterr().err
    Path("weights.pt").rename("weights.data")
    assert convert("weights.data", "second") == 2
    assert "such as --to safetensors or --source-format pytorch" in capsys.readouterr().err
    assert convert("weights.data", "second", "--source-format", "pytorch") == 0


@pytest.mark.parametrize(
    ("python", "option"),
    [
        (
            'map names={"encoder.*": "encoder/*"}; unexpected="keep" or',
            "map --name 'encoder.*=encoder/*'; --unexpected keep or",
        ),
        ("say source_layout= or target_layout=; between", "say --source-layout or --target-layout; between"),
        ("or pass allow_code_execution=True, which", "or pass --allow-code-execution, which"),
        ("give it a new name by names={...}", "give it a new name by --name OLD=NEW"),
    ],
)
def test_arguments_of_python_become_options(python: str, option: str) -> None:
    assert as_options(python) == option
