"""docs/protocols/mutants.md is what the mutants say now."""

from tools import mutant_table


def test_page_is_current() -> None:
    assert mutant_table.PAGE.read_text("utf-8") == mutant_table.page(), "run: python -m tools.mutant_table"
