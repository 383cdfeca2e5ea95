"""A generated repository is whole: it passes its own lint, tests and conformance, and its kernel is used."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import hatchling.build
import pytest

from dovetail.__main__ import main
from dovetail.commands.new_kernel_package import LANGUAGES, TEMPLATES, files
from dovetail_conformance import CASE_BANK

from .plugin_sites import PLUGINS, environment, install, needs_compiler, run_tests


def generate(directory: Path, *arguments: str) -> Path:
    assert main(["new-kernel-package", *arguments, "--directory", str(directory)]) == 0
    return directory


@pytest.mark.parametrize("language", ["numpy", pytest.param("c", marks=needs_compiler), "numba"])
def test_generated_repository_passes_its_tests_and_its_kernel_is_used(language: str, tmp_path: Path) -> None:
    project = generate(tmp_path / "project", "acme", "--language", language)
    site = install(project, tmp_path)
    done = run_tests(project / "tests", site)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    command = [sys.executable, "-m", "dovetail", "explain", "relu", "float32[64,8,8,32]"]
    shown = subprocess.run(command, env=environment(site), cwd=site, capture_output=True, text=True, check=True).stdout
    assert f"acme/relu_{language} (priority 50): used" in shown


@pytest.mark.parametrize("name", ["x", "a_package_with_long_name"])
def test_generated_repositories_are_clean_for_ruff_whatever_their_name(name: str, tmp_path: Path) -> None:
    for language in LANGUAGES:
        generate(tmp_path / language, name, "--language", language)
    for arguments in (["check", "."], ["format", "--check", "."]):
        command = [sys.executable, "-m", "ruff", *arguments, "--no-cache"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["hatch_build.py", "native.py"])
def test_the_plugin_in_c_is_built_and_loaded_by_the_generated_files(name: str) -> None:
    (generated,) = (TEMPLATES / "c").rglob(name)
    (used,) = (PLUGINS / "kernels-c").rglob(name)
    assert used.read_bytes() == generated.read_bytes()


def test_generated_limits_pin_the_newest_cases() -> None:
    limits = files("acme", "numpy", None)["tests/conformance.toml"]
    assert tomllib.loads(limits) == {"case_bank": CASE_BANK}


@pytest.fixture
def c_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A generated repository in C, in which the process is."""
    project = generate(tmp_path / "project", "acme", "--language", "c")
    monkeypatch.chdir(project)
    return project


def test_only_a_machine_without_a_compiler_is_asked_for_one(
    c_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = hatchling.build.get_requires_for_build_wheel
    monkeypatch.setenv("CC", "mycc --fast")
    assert requirements() == []
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert requirements() == ["ziglang"]
    assert hatchling.build.get_requires_for_build_sdist() == []
    (tmp_path / "cc").touch(mode=0o755)
    assert requirements() == []


@needs_compiler
def test_sdist_has_all_that_a_wheel_is_made_of(c_project: Path) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation"]  # builds the wheel from the sdist, not from the folder
    subprocess.run(command, capture_output=True, check=True)
    sdist, wheel = sorted(Path("dist").iterdir(), reverse=True)
    assert sdist.name == "acme_kernels-0.1.0.tar.gz"
    assert re.fullmatch(r"acme_kernels-0\.1\.0-py3-none-(?!any)\w+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        assert len([name for name in archive.namelist() if name.startswith("acme_kernels/_native.")]) == 1


@needs_compiler
def test_what_the_compiler_says_is_shown(
    c_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = c_project / "src" / "acme_kernels" / "relu.c"
    source.write_text(source.read_text("utf-8").replace("float)", "flaot)"), "utf-8")
    with pytest.raises(RuntimeError, match=r"(?s)could not be compiled.*command: .*relu\.c.*flaot"):
        hatchling.build.build_wheel(str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(RuntimeError, match="could not be run: no-such-compiler"):
        hatchling.build.build_editable(str(tmp_path))
    assert not list(tmp_path.glob("*.whl"))
