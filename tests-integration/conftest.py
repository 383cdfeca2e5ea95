"""What the tests that need several packages share."""

import os
from pathlib import Path

import pytest

from tools import wheels


@pytest.fixture(scope="session")
def wheel_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel of every package: the nox session's, or one built now."""
    if given := os.environ.get("DOVETAIL_WHEELS"):
        return Path(given)
    directory = tmp_path_factory.mktemp("wheels")
    wheels.build(directory)
    return directory


collect_ignore = ["plugins"]
"""Their tests run where they are installed: see test_plugins.py."""
