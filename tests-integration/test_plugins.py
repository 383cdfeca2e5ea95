"""Each plug-in of `plugins/` that brings tests is built by its own build backend, installed, and proved by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .plugin_sites import PLUGINS, install, needs_compiler, run_tests

TESTED = sorted(folder.parent.name for folder in PLUGINS.glob("*/tests"))
COMPILED = {"kernels-c"}
EACH = [pytest.param(name, marks=needs_compiler if name in COMPILED else ()) for name in TESTED]


def test_there_are_plugins_with_tests() -> None:
    assert TESTED


@pytest.mark.parametrize("name", EACH)
def test_plugin_passes_its_own_tests_and_its_conformance(name: str, tmp_path: Path) -> None:
    done = run_tests(PLUGINS / name / "tests", install(PLUGINS / name, tmp_path))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
