"""What importing dovetail_protocols does not do."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys

before = set(sys.modules)
import {name}
{and_then}

print(*sorted(set(sys.modules) - before))
"""

DEAR = {"dataclasses", "inspect", "typing", "re", "enum", "importlib.metadata", "numpy"}
"""Modules that alone would cost more than importing the protocols may take; see docs/decisions/0002."""


def loaded_by_import(name: str = "dovetail_protocols", and_then: str = "") -> set[str]:
    """The modules that a fresh interpreter loads for the import of one, and for a statement after it."""
    command = [sys.executable, "-I", "-W", "error", "-c", PROGRAM.format(name=name, and_then=and_then)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "name", ["dovetail_protocols", "dovetail_protocols.operations", "dovetail_protocols.selection"]
)
def test_import_loads_the_standard_library_only(name: str) -> None:
    packages = {module.partition(".")[0] for module in loaded_by_import(name)}
    assert packages - sys.stdlib_module_names == {"dovetail_protocols"}


@pytest.mark.parametrize("name", ["dovetail_protocols", "dovetail_protocols.operations"])
def test_import_loads_nothing_dear(name: str) -> None:
    assert loaded_by_import(name) & DEAR == set()


def test_import_loads_no_part_of_the_package_before_it_is_used() -> None:
    assert {name for name in loaded_by_import() if name.startswith("dovetail")} == {"dovetail_protocols"}


@pytest.mark.parametrize("name", ["dovetail_protocols.operations", "dovetail_protocols.selection"])
def test_import_does_not_look_for_plugins(name: str) -> None:
    assert "importlib.metadata" not in loaded_by_import(name)


def test_finding_plugins_loads_nothing_that_takes_longer_than_finding() -> None:
    loaded = loaded_by_import("dovetail_protocols.plugins", "dovetail_protocols.plugins.find('dovetail.kernels.v1')")
    assert loaded & (DEAR | {"collections", "contextlib", "functools", "threading"}) == set()
