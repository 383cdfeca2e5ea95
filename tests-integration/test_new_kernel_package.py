"""A generated repository is whole: it passes its own lint, tests and conformance, and its kernel is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dovetail.__main__ import main
from dovetail.commands.new_kernel_package import LANGUAGES, TEMPLATES

from .plugin_sites import PLUGINS, environment, install, run_tests


def generate(directory: Path, *arguments: str) -> Path:
    assert main(["new-kernel-package", *arguments, "--directory", str(directory)]) == 0
    return directory


@pytest.mark.parametrize("language", LANGUAGES)
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
