"""Hold source files to 400 lines: `python -m tools.file_length`."""

import sys
from pathlib import Path

from tools import packages

CEILING_LINES = 400
FOLDERS = ("packages/*/src", "packages/*/tests", "tests-integration", "examples", "benchmarks", "crash", "tools")

# Path from the root -> why it may be longer. An entry that is no longer needed is reported too.
EXCEPTIONS: dict[str, str] = {}


def problems(root: Path = packages.ROOT, exceptions: dict[str, str] = EXCEPTIONS) -> list[str]:
    """One line for each file above the ceiling that is not excepted, and for each stale exception."""
    long = {path: count for path, count in _lengths(root).items() if count > CEILING_LINES}
    too_long = [
        f"{path}: {count} lines; the ceiling is {CEILING_LINES}. fix: split it by concept, "
        "or list it in tools/file_length.py with a reason"
        for path, count in long.items()
        if path not in exceptions
    ]
    stale = [
        f"{path}: listed in tools/file_length.py, but not above {CEILING_LINES} lines. fix: remove the entry"
        for path in exceptions
        if path not in long
    ]
    return too_long + stale


def _lengths(root: Path) -> dict[str, int]:
    files = [file for folder in FOLDERS for base in root.glob(folder) for file in sorted(base.rglob("*.py"))]
    return {file.relative_to(root).as_posix(): len(file.read_text("utf-8").splitlines()) for file in files}


def main() -> None:
    """Print the problems; exit 1 if there are any."""
    found = problems()
    print("\n".join(found) or f"no source file is longer than {CEILING_LINES} lines")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
