"""The kit catches each faulty implementation at the level that should, and lets honest ones pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROLES = sorted(path.stem for path in (FOLDER / "mutants").glob("[a-z]*.py"))


@pytest.mark.parametrize("role", ROLES)
def test_faults_are_caught_at_their_level_and_honest_ones_pass(role: str) -> None:
    """In a process for each role, `python -m mutants ROLE`, which tells what was not caught."""
    paths = [str(FOLDER), *(path for path in sys.path if path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "mutants", role]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
