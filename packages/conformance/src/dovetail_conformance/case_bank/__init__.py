"""Calls for every operation of the standard, by family. What a family gives is dtype-free: see cases.Case."""

from __future__ import annotations

from dovetail_protocols.operation import Operation

from ..cases import Case
from . import creation, elementwise, indexing, networks, optimizers, products, reductions, shapes

DATE = "2026-11"
"""The bank's date: calls are added over time, and a package's continuous integration pins the kit's version."""

FAMILIES = (creation, indexing, networks, optimizers, products, reductions, shapes)
CASES: dict[str, tuple[Case, ...]] = {name: tuple(calls) for family in FAMILIES for name, calls in family.CASES.items()}


def cases_of(operation: Operation) -> tuple[Case, ...]:
    """The bank's calls of an operation; none for one that is not of the standard, or that needs variables or graphs."""
    if not operation.name.startswith("dovetail::"):
        return ()
    name = operation.short_name
    if name in elementwise.DOMAINS:
        return elementwise.cases(operation, *elementwise.DOMAINS[name])
    return CASES.get(name, ())
