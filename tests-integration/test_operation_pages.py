"""The pages of docs/operations are what the operation table says now."""

import pytest

from tools import generate_operation_docs

PAGES = generate_operation_docs.pages()
FIX = "run: python -m tools.generate_operation_docs"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    path = generate_operation_docs.DIRECTORY / name
    assert path.is_file(), FIX
    assert path.read_text("utf-8") == PAGES[name], FIX


def test_no_page_of_a_family_that_is_no_more_is_left() -> None:
    assert generate_operation_docs.stale(PAGES) == [], FIX


def test_every_operation_has_its_section_with_documentation() -> None:
    from dovetail_protocols.registry import all_operations

    for operation in all_operations():
        if operation.name.startswith("dovetail::"):
            assert f"\n## {operation.short_name}\n" in PAGES[f"{operation.source_file}.md"]
            assert (operation.__doc__ or "").strip(), f"{operation.name} has no documentation"
