"""What importing dovetail_protocols does not do."""

import subprocess
import sys

PROGRAM = """
import sys

before = set(sys.modules)
import dovetail_protocols

print(*sorted(set(sys.modules) - before))
"""


def loaded_by_import() -> set[str]:
    """The modules that a fresh interpreter loads for `import dovetail_protocols`."""
    command = [sys.executable, "-I", "-W", "error", "-c", PROGRAM]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_import_loads_the_standard_library_only() -> None:
    packages = {name.partition(".")[0] for name in loaded_by_import()}
    assert packages - sys.stdlib_module_names == {"dovetail_protocols"}


def test_import_does_not_look_for_plugins() -> None:
    assert "importlib.metadata" not in loaded_by_import()
