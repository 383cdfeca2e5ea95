"""What importing dovetail_checkpointing does not do."""

import subprocess
import sys

PROGRAM = (
    "import sys; before = set(sys.modules); import dovetail_checkpointing; print(*sorted(set(sys.modules) - before))"
)


def loaded_by_import() -> set[str]:
    """The modules that a fresh interpreter loads for `import dovetail_checkpointing`."""
    command = [sys.executable, "-I", "-W", "error", "-c", PROGRAM]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_import_loads_no_sibling() -> None:
    siblings = {name for name in loaded_by_import() if name.startswith("dovetail") and "." not in name}
    assert siblings <= {
        "dovetail_checkpointing",
        "dovetail_protocols",
    }


def test_import_does_not_look_for_plugins() -> None:
    assert "importlib.metadata" not in loaded_by_import()
