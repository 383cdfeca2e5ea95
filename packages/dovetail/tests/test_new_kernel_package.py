"""`dovetail new-kernel-package`: what is written, and what is refused. That it works: tests-integration."""

from __future__ import annotations

import errno
import os
import tomllib
from pathlib import Path

import pytest

from dovetail.__main__ import main
from dovetail.commands import new_kernel_package


def generate(*arguments: str) -> int:
    return main(["new-kernel-package", *arguments])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("language", ["numpy", "c", "numba"])
def test_every_file_carries_the_given_name_and_none_the_example(language: str, folder: Path) -> None:
    assert generate("blue_chip", "--language", language, "--author", 'Jo "J" Dœ\\') == 0
    project = folder / "blue-chip-kernels"
    declared = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert declared["name"] == "blue-chip-kernels"
    assert declared["entry-points"] == {"dovetail.kernels.v1": {"blue_chip": "blue_chip_kernels:PACKAGE"}}
    assert declared["authors"] == [{"name": 'Jo "J" Dœ\\'}]
    assert "class BlueChipKernels" in (project / "src/blue_chip_kernels/__init__.py").read_text("utf-8")
    written = [path for path in project.rglob("*") if path.is_file()]
    assert not [path for path in written if "acme" in (str(path) + path.read_text("utf-8")).lower()]
    for name in ("LICENSE", "CHANGELOG.md", "README.md", ".gitignore", ".github/workflows/ci.yml", "noxfile.py"):
        assert (project / name).is_file()


def test_only_dependencies_and_the_build_differ_between_languages() -> None:
    def shared(language: str) -> dict[str, object]:
        document = tomllib.loads(new_kernel_package.files("acme", language, None)["pyproject.toml"])
        del document["project"]["dependencies"], document["project"]["description"], document["tool"]["hatch"]
        return document

    assert shared("numpy") == shared("c") == shared("numba")


@pytest.mark.parametrize(
    "name", ["Acme", "2acme", "acme-chip", "acme__x", "_acme", "", "größe", "class", "a" * 25, "a/b"]
)
def test_name_that_is_no_identifier_is_refused(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate("--", name) == 1
    assert "can't name a kernel package" in capsys.readouterr().err
    assert contents(folder) == []


@pytest.mark.parametrize("name", ["numpy", "llvm", "xla", "cpu", "none", "dovetail"])
def test_name_that_is_taken_is_refused(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(name) == 1
    assert f"the name {name!r} is taken" in capsys.readouterr().err
    assert contents(folder) == []


def test_unknown_language_is_refused_with_those_there_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate("acme", "--language", "fortran") == 1
    assert "expected: numpy or c or numba" in capsys.readouterr().err
    assert contents(folder) == []


def test_nothing_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.tex").write_text("years", "utf-8")
    (folder / "file").write_text("text", "utf-8")
    for directory in ("mine", "file"):
        assert generate("acme", "--directory", directory) == 1
        assert f"'{directory}' is there already, and nothing is overwritten" in capsys.readouterr().err
    assert contents(folder) == ["file", "mine"]
    assert contents(folder / "mine") == ["thesis.tex"]


def test_an_empty_folder_is_filled(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert generate("acme", "--directory", "empty") == 0
    assert "pyproject.toml" in contents(folder / "empty")
    assert contents(folder) == ["empty"]


def test_missing_parent_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate("acme", "--directory", "away/acme") == 1
    shown = capsys.readouterr().err
    assert "'away/acme' could not be written" in shown
    assert "effect: nothing was written" in shown
    assert contents(folder) == []


def test_a_disk_that_fills_up_leaves_nothing_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_text, written = Path.write_text, []

    def filling(path: Path, *arguments: str, **options: str) -> int:
        if len(written) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)
        return write_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", filling)
    assert generate("acme") == 1
    assert os.strerror(errno.ENOSPC) in capsys.readouterr().err
    assert contents(folder) == []
