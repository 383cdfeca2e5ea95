"""The page on checkpoints on the command line is true: what it shows is done, in order, and prints what it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools import packages, tutorial

PAGE = packages.ROOT / "docs" / "checkpoints" / "command-line.md"


@pytest.mark.skipif(os.name == "nt", reason="the page is for POSIX shells")
def test_the_page_goes_as_it_says(tmp_path: Path) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, arguments in (("python", ""), ("dovetail", " -m dovetail")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n', "utf-8")
        (commands / name).chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    assert tutorial.follow(PAGE, folder, environment) > 12
