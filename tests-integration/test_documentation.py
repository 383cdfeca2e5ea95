"""What the documentation says is true: its examples run and its links lead somewhere."""

import doctest
import importlib
import re
from pathlib import Path

import pytest
from sybil import Document
from sybil.parsers.markdown import PythonCodeBlockParser

from tools import packages

ROOT = packages.ROOT
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/*.md")})
TUTORIALS = {*ROOT.glob("docs/tutorials/*.md")}
"""They are followed as a whole, shell and files too: see test_tutorial.py."""
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _modules_with_examples() -> list[str]:
    files = [
        (package, file)
        for package in packages.find()
        for file in sorted(package.source.rglob("*.py"))
        if ">>> " in file.read_text("utf-8")
    ]
    return [
        ".".join(file.relative_to(package.source.parent).with_suffix("").parts).removesuffix(".__init__")
        for package, file in files
    ]


def run_examples(page: Path) -> None:
    """Run the fenced python blocks of `page` from top to bottom, in one namespace."""
    for example in Document.parse(str(page), PythonCodeBlockParser(), encoding="utf-8").examples():
        example.evaluate()


@pytest.mark.parametrize("page", [page for page in PAGES if page not in TUTORIALS], ids=_name)
def test_examples_in_page_run(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    run_examples(page)


def test_broken_example_in_page_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\ntext\n\n```python\nassert x == 2\n```\n", "utf-8")
    with pytest.raises(AssertionError):
        run_examples(page)


@pytest.mark.parametrize("name", _modules_with_examples())
def test_examples_in_docstrings_run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0, f"{name} has '>>>' in its text, but no docstring that doctest sees"
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_in_page_lead_to_files(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_found_from_the_index() -> None:
    reached, waiting = set(), [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            waiting += [(page.parent / link).resolve() for link in LINK.findall(page.read_text("utf-8"))]
    missing = [_name(page) for page in PAGES if page.is_relative_to(ROOT / "docs") and page.resolve() not in reached]
    assert missing == []
