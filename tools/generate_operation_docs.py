"""The pages of docs/operations: one for each family of operations, and an index, written from the operation table.

    python -m tools.generate_operation_docs

tests-integration/test_operation_pages.py fails while they are not current.
"""

import importlib
import re
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path

from dovetail_protocols.binding import describe_signature
from dovetail_protocols.dtypes import ALL
from dovetail_protocols.operation import CONSTRAINTS, Attribute, Operand, Operation
from dovetail_protocols.registry import all_operations
from tools import packages

DIRECTORY = packages.ROOT / "docs" / "operations"
MARK = "<!-- Written by python -m tools.generate_operation_docs from the operation table; do not edit. -->"
CODE_EMPHASIS_OR_STAR = re.compile(r"(`[^`]*`|\*[A-Za-z][A-Za-z ]*\*)|\*")


def pages() -> Mapping[str, str]:
    """Text by file name: the index, and the page of each family."""
    families: dict[str, list[Operation]] = {}
    for operation in all_operations():
        if operation.name.startswith("dovetail::"):
            families.setdefault(operation.source_file, []).append(operation)
    written = {f"{family}.md": _page(family, operations) for family, operations in sorted(families.items())}
    return {"index.md": _index(families), **written}


def stale(current: Mapping[str, str]) -> list[Path]:
    """Generated pages of families that are no more."""
    return [
        path for path in sorted(DIRECTORY.glob("*.md")) if path.name not in current and MARK in path.read_text("utf-8")
    ]


def main() -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    current = pages()
    for path in stale(current):
        path.unlink()
    for name, text in current.items():
        (DIRECTORY / name).write_text(text, "utf-8")
    print(f"{len(current)} pages in {DIRECTORY.relative_to(packages.ROOT)}")


# ---------------------------------------------------------------------- pages


def _index(families: Mapping[str, list[Operation]]) -> str:
    operations = sorted((operation for family in families.values() for operation in family), key=lambda o: o.name)
    rows = [
        f"| [`{operation.short_name}`]({operation.source_file}.md#{operation.short_name}) | {operation.version} | "
        f"{_kind(operation)} | {_first_sentence(operation)} |"
        for operation in operations
    ]
    constraints = [
        f"| `{name}` | {variable} | {_dtypes(allowed)} |" for name, (variable, allowed) in CONSTRAINTS.items()
    ]
    return "\n".join(
        [
            "# Operations",
            MARK,
            "",
            f"The operation standard: {len(operations)} operations, from `dovetail_protocols.operations`. What an "
            "operation is: [the protocol](../protocols/operations.md). What is differentiated and batched how: "
            "[coverage](coverage.md).",
            "",
            "| operation | version | | |",
            "|---|---|---|---|",
            *rows,
            "",
            "## Constraints of operands",
            "",
            "Operands with the same type variable are promoted to one dtype before the call; those under `*` keep each "
            "their own, and `V` is a variable itself.",
            "",
            "| constraint | type variable | dtypes |",
            "|---|---|---|",
            *constraints,
            "",
        ]
    )


def _page(family: str, operations: list[Operation]) -> str:
    module = importlib.import_module(f"dovetail_protocols.operations.{family}")
    introduction = cleandoc(module.__doc__ or "")
    sections = [_section(operation) for operation in operations]
    title = family.replace("_", " ").capitalize()
    return "\n".join([f"# {title}", MARK, "", _escaped(introduction), "", *sections])


def _section(operation: Operation) -> str:
    lines = [f"## {operation.short_name}", "", f"    {describe_signature(operation)}", ""]
    lines.append(f"{_kind(operation).capitalize()}, version {operation.version}. {_flags(operation)}".rstrip())
    lines.append("")
    if operation.operands or operation.attributes:
        lines += ["| argument | | default |", "|---|---|---|"]
        lines += [_operand_row(operand) for operand in operation.operands]
        lines += [_attribute_row(attribute) for attribute in operation.attributes]
        lines.append("")
    lines += [_escaped(cleandoc(operation.__doc__ or "")), ""]
    return "\n".join(lines)


# ---------------------------------------------------------------------- parts


def _kind(operation: Operation) -> str:
    return "primitive" if operation.is_primitive else "composite"


def _flags(operation: Operation) -> str:
    flags = []
    if operation.data_dependent:
        flags.append("The result's shape depends on values: eager only.")
    if operation.has_effect:
        flags.append("It has an effect besides its results.")
    return " ".join(flags)


def _operand_row(operand: Operand) -> str:
    star, default = "*" if operand.variadic else "", "`None`" if operand.optional else ""
    return f"| `{star}{operand.name}` | {_constraint(operand)} | {default} |"


def _attribute_row(attribute: Attribute) -> str:
    default = "" if attribute.required else _code(repr(attribute.default))
    return f"| `{attribute.name}` | {_code(attribute.annotation)} | {default} |"


def _constraint(operand: Operand) -> str:
    return next(
        f"{name} ({variable})"
        for name, (variable, allowed) in CONSTRAINTS.items()
        if variable == operand.type_variable and allowed == operand.dtypes
    )


def _dtypes(names: frozenset[str]) -> str:
    known = [dtype.name for dtype in ALL]
    return "every dtype" if names == frozenset(known) else ", ".join(name for name in known if name in names)


def _first_sentence(operation: Operation) -> str:
    paragraph = " ".join(cleandoc(operation.__doc__ or "").partition("\n\n")[0].split())
    return _escaped(paragraph).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _escaped(text: str) -> str:
    """Stars that stand for themselves as stars; code and *emphasis* as they are."""
    return CODE_EMPHASIS_OR_STAR.sub(lambda found: found[1] or "\\*", text)


if __name__ == "__main__":
    main()
