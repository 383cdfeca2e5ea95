"""Each check of saving and reading that is left out makes the test fail that is named with it."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from crash.inside.code_mutants import CODE_MUTANTS, TESTS, CodeMutant
from crash.inside.mutant_table import PAGE, page

MADE = {"attacked": "Attacked", "damaged": "Damaged"}
"""What fixtures of the package's tests give: objects of these classes."""


def arguments(
    test: Any, module: Any, mutant: CodeMutant, folder: Path, request: pytest.FixtureRequest
) -> dict[str, Any]:
    folder.mkdir()
    found: dict[str, Any] = {"tmp_path": folder, **mutant.arguments}
    for name in inspect.signature(test).parameters:
        if name in MADE:
            found[name] = getattr(module, MADE[name])()
        elif name not in found:
            found[name] = request.getfixturevalue(name)
    return {name: found[name] for name in inspect.signature(test).parameters}


@pytest.fixture
def variable() -> Any:
    """That of the package's tests."""
    return importlib.import_module(f"{TESTS.replace('/', '.')}.conftest").ToyVariable


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # a save without a lock
@pytest.mark.parametrize("mutant", CODE_MUTANTS, ids=lambda mutant: mutant.what.replace(" ", "_"))
def test_a_check_that_is_left_out_is_noticed(
    mutant: CodeMutant, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    module = importlib.import_module(f"{TESTS.replace('/', '.')}.{mutant.file.removesuffix('.py')}")
    test = getattr(module, mutant.test)
    test(**arguments(test, module, mutant, tmp_path / "sound", request))
    given = arguments(test, module, mutant, tmp_path / "faulty", request)
    with mutant.planted(), pytest.raises((Exception, pytest.fail.Exception)):
        test(**given)


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m crash.inside.mutant_table"
