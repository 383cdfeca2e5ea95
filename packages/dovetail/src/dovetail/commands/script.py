"""A user's script, run as Python would run it."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from dovetail_protocols.errors import AttributeValueError


def find_script(path: str) -> Path:
    """The file of that path.

    Raises: AttributeValueError where there is none.
    """
    script = Path(path)
    if not script.is_file():
        raise AttributeValueError(f"there is no script {path!r}", expected="the path of a Python file")
    return script


def run_script(script: Path, arguments: Sequence[str]) -> None:
    """Runs a Python file as `__main__`, with its arguments in sys.argv and its folder first on sys.path.

    Raises: whatever the script raises.
    """
    given, search = sys.argv, sys.path[:]
    sys.argv, sys.path[0] = [str(script), *arguments], str(script.resolve().parent)
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv, sys.path[:] = given, search
