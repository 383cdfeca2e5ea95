"""The elementwise operations, by name: which dtypes they take, and who writes their instructions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..codegen.builder import Builder, Value

Emit = Callable[[Builder, Sequence[Value], Sequence[str], str, Mapping[str, Any]], Value]

TABLE: dict[str, Emit] = {
    "add": lambda b, v, d, r, a: b.add(v[0], v[1]),
    "subtract": lambda b, v, d, r, a: b.sub(v[0], v[1]),
    "multiply": lambda b, v, d, r, a: b.mul(v[0], v[1]),
}


def supports(operation: str, dtypes: Sequence[str], result: str) -> bool:
    """Whether an operation of that short name can be written for operands of these dtypes."""
    return operation in TABLE


def emit(
    b: Builder,
    operation: str,
    operands: Sequence[Value],
    dtypes: Sequence[str],
    result: str,
    attributes: Mapping[str, Any],
) -> Value:
    """The value of an elementwise operation, lane by lane. Operands and result have the COMPUTED types of their dtypes,
    in equally many lanes."""
    return TABLE[operation](b, operands, dtypes, result, attributes)
