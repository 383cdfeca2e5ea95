"""The tutorials are true: what they show is done, in order, and prints what they say."""

from __future__ import annotations

import os
import re
import site
import subprocess
import sys
from pathlib import Path

import pytest

from tools import packages, tutorial

from .plugin_sites import needs_compiler

PAGES = sorted((packages.ROOT / "docs" / "tutorials").glob("*.md"))
DOVETAIL = """#!{python}
import sys
from dovetail.__main__ import main
sys.exit(main())
"""
POSIX = pytest.mark.skipif(os.name == "nt", reason="the pages are for POSIX shells")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A shell's environment, with a Python environment that has pip and sees what is installed for the tests."""
    folder = tmp_path / "environment"
    command = [sys.executable, "-m", "virtualenv", "--quiet", "--no-periodic-update", str(folder)]
    subprocess.run(command, check=True)
    python = folder / "bin" / "python"
    (libraries,) = folder.glob("lib/*/site-packages")
    lines = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
    (libraries / "tests.pth").write_text("".join(lines), "utf-8")
    (folder / "bin" / "dovetail").write_text(DOVETAIL.format(python=python), "utf-8")
    (folder / "bin" / "dovetail").chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOVETAIL_", "PYTEST_", "PIP_"))}
    return kept | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "DOVETAIL_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # this is how pip is told not to isolate
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


@POSIX
@needs_compiler
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tutorial_goes_as_it_says(page: Path, environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    assert tutorial.follow(page, folder, environment) > 10


CONSOLE = "```console\n$ {}\n```\n"


@POSIX
@pytest.mark.parametrize(
    ("page", "said"),
    [
        (CONSOLE.format("echo one; echo two\ntwo\none"), "should print (in this place)\none"),
        (CONSOLE.format("false"), "exit status 1"),
        (CONSOLE.format("true  # fails"), "exit status 0"),
        (CONSOLE.format("exit 3"), "the shell ended"),
        ("text\n\n```python\nx = 1\n```\n", "doesn't end with a file's path"),
        ("`f`:\n\n```c\na\n```\n\n`f`:\n\n```diff\n-b\n+c\n```\n", "should have once"),
    ],
)
def test_a_page_that_says_what_does_not_happen_is_noticed(page: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(page, "utf-8")
    with pytest.raises(tutorial.TutorialError, match=re.escape(said)):
        tutorial.follow(tmp_path / "page.md", tmp_path, os.environ)


@POSIX
def test_what_a_page_shows_is_done_in_one_shell_and_what_is_marked_left_out(tmp_path: Path) -> None:
    marked = [f"*{mark}: reasons.*\n\n{CONSOLE.format('false')}" for mark in ("Not run", "Run by `nox -s tutorial`")]
    diff = "`f`:\n\n```diff\n a\n-b\n+c\n```\n"
    done = CONSOLE.format("mkdir there && cd there") + "`f`:\n\n```c\na\nb\n```\n" + diff
    page = "\n".join([*marked, done, CONSOLE.format("cat \\\n   f\na\n…\nc")])
    (tmp_path / "page.md").write_text(page, "utf-8")
    assert tutorial.follow(tmp_path / "page.md", tmp_path, os.environ) == 2
    with pytest.raises(tutorial.TutorialError, match="exit status 1"):
        tutorial.follow(tmp_path / "page.md", tmp_path, os.environ, everything=True)
