"""Each row of the pages' tables of failures names tests, and these exist."""

from __future__ import annotations

import re

import pytest

from tools import packages

from .named_tests import functions_of, named_in

DOCS = packages.ROOT / "docs"
TABLES = {"protocols/plugins.md": ("## What goes wrong", 20), "checkpoints/failures.md": ("# What goes wrong", 20)}


def rows(page: str) -> list[str]:
    heading, _ = TABLES[page]
    section = (DOCS / page).read_text("utf-8").partition(heading)[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if re.match(r"\| (?!situation|-)", line)]


@pytest.mark.parametrize("page", TABLES)
def test_the_table_has_the_rows_of_the_design(page: str) -> None:
    assert len(rows(page)) >= TABLES[page][1]


@pytest.mark.parametrize(
    "row", [row for page in TABLES for row in rows(page)], ids=lambda row: row.split("|")[1].strip()
)
def test_each_failure_has_a_test(row: str) -> None:
    named = named_in(row)
    assert named
    for file, name in named:
        assert name in functions_of(file), f"{file} has no {name}"
