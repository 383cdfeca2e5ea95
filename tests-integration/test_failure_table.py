"""Each row of the table of failures in docs/protocols/plugins.md names tests, and these exist."""

from __future__ import annotations

import re

import pytest

from tools import packages

from .named_tests import functions_of, named_in

PAGE = packages.ROOT / "docs" / "protocols" / "plugins.md"
SECTION = PAGE.read_text("utf-8").partition("## What goes wrong")[2].partition("\n## ")[0]
ROWS = [line for line in SECTION.splitlines() if re.match(r"\| (?!situation|-)", line) and not line.startswith("|---")]


def test_the_table_has_the_rows_of_the_design() -> None:
    assert len(ROWS) >= 20


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_each_failure_has_a_test(row: str) -> None:
    named = named_in(row)
    assert named
    for file, name in named:
        assert name in functions_of(file), f"{file} has no {name}"
