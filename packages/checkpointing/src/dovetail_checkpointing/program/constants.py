"""Constants of graphs, each kept once however many traces have it: a graph refers to the document's table by number."""

from __future__ import annotations

from typing import Any


def shared(functions: list[dict[str, Any]]) -> tuple[list[Any], list[str]]:
    """Functions in JSON with numbers in place of the data of their graphs' constants, and the table of data."""
    table: dict[str, int] = {}

    def change(constant: dict[str, Any]) -> dict[str, Any]:
        return {"value": constant["value"], "constant": table.setdefault(constant["data"], len(table))}

    return _mapped(functions, "data", change), list(table)


def unshared(functions: Any, table: Any) -> Any:
    """The functions with the data of their constants in place of numbers.

    Raises: ValueError for a number or data that there is not; RecursionError for nesting without end.
    """
    if type(table) is not list:
        raise ValueError("the constants of a program are no list")

    def change(constant: dict[str, Any]) -> dict[str, Any]:
        number = constant["constant"]
        if type(number) is not int or not 0 <= number < len(table):
            raise ValueError(f"there is no constant {number!r:.40}")
        return {"value": constant["value"], "data": table[number]}

    return _mapped(functions, "constant", change)


def _mapped(read: Any, member: str, change: Any) -> Any:
    """The data with `change` applied to every constant: an object of a value and `member`."""
    if type(read) is list:
        return [_mapped(item, member, change) for item in read]
    if type(read) is not dict:
        return read
    if read.keys() == {"value", member}:
        return change(read)
    return {name: _mapped(item, member, change) for name, item in read.items()}
