"""What released golden checkpoints have lost since their release: `python -m tools.golden_checkpoints`.

Each release of dovetail-checkpointing has a folder of checkpoints in its tests, which stays as the release's tag has
it. Without tags, as in a shallow clone, nothing is compared; the digests in PROVENANCE.md are, by the package's tests.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools import packages

FOLDER = "packages/checkpointing/tests/golden"
TAG = "checkpointing-v"


def changed(root: Path = packages.ROOT) -> list[str]:
    """A line for each file that is no longer as its release's tag has it, and for each release without files."""
    lines = []
    for tag in _git(root, "tag", "--list", f"{TAG}*").split():
        folder = f"{FOLDER}/{tag.removeprefix(TAG)}"
        if not _git(root, "ls-tree", tag, folder):
            lines.append(f"{tag} has no {folder}")
        lines += [f"{tag}: {line}" for line in _git(root, "diff", "--name-status", tag, "--", folder).splitlines()]
    return lines


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    found = changed()
    print("\n".join(found))
    sys.exit(bool(found))
