"""Calls for every operation of the standard, by family. What a family gives is dtype-free: see cases.Case."""

from __future__ import annotations

from dovetail_protocols.operation import Operation

from ..cases import Case
from . import creation, elementwise, indexing, networks, optimizers, products, reductions, shapes

CASE_BANKS = ("2026.11",)
"""The bank's dates, oldest first: one for each minor version of the kit that added calls, which have it as `since`."""
CASE_BANK = CASE_BANKS[-1]
"""The date of the bank that is here."""

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
