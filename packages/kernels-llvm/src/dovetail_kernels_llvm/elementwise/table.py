"""The elementwise operations, by name: which dtypes they take, and who writes their instructions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dovetail_protocols.records import record

from ..codegen.builder import Builder, Value
from ..codegen.types import FLOATING, SIGNED, STORED, UNSIGNED
from . import (
    arithmetic,
    comparison,
    error_function,
    exponential,
    hyperbolic,
    integers,
    logarithm,
    logical,
    rounding,
    signs,
    type_conversion,
)

Emit = Callable[[Builder, Sequence[Value], Sequence[str], str, Mapping[str, Any]], Value]
Takes = Callable[[Sequence[str], str], bool]

INTEGERS = SIGNED | UNSIGNED
REAL = FLOATING | INTEGERS
SINGLE = frozenset({"float16", "bfloat16", "float32"})
"""What is computed in single precision."""
BOOLEAN = frozenset({"bool"})


@record
class Entry:
    """A way to write an operation: for which dtypes of operands and result, and the function that does."""

    takes: Takes
    write: Emit


def alike(dtypes: frozenset[str], count: int) -> Takes:
    """Operands and result of one dtype."""
    return lambda given, result: len(given) == count and set(given) == {result} and result in dtypes


def predicate(dtypes: frozenset[str], count: int) -> Takes:
    """Operands of one dtype, and a bool."""
    return lambda given, result: (
        len(given) == count and len(set(given)) == 1 and given[0] in dtypes and result == "bool"
    )


def plain(function: Callable[..., Value]) -> Emit:
    """Of values alone."""
    return lambda b, values, dtypes, result, attributes: function(b, *values)


def typed(function: Callable[..., Value]) -> Emit:
    """Of the operands' dtype, and values."""
    return lambda b, values, dtypes, result, attributes: function(b, dtypes[0], *values)


def _cast(b: Builder, values: Sequence[Value], dtypes: Sequence[str], result: str, _: Mapping[str, Any]) -> Value:
    return type_conversion.cast(b, dtypes[0], result, values[0])


def _where(b: Builder, values: Sequence[Value], dtypes: Sequence[str], result: str, _: Mapping[str, Any]) -> Value:
    return b.select(*values)


def _one(takes: Takes, write: Emit) -> tuple[Entry, ...]:
    return (Entry(takes, write),)


_UNARY_SINGLE = {
    "exp": exponential.exp,
    "log": logarithm.log,
    "tanh": hyperbolic.tanh,
    "sigmoid": hyperbolic.sigmoid,
    "erf": error_function.erf,
}

TABLE: dict[str, tuple[Entry, ...]] = {
    "add": _one(alike(REAL, 2), plain(Builder.add)),
    "subtract": _one(alike(REAL, 2), plain(Builder.sub)),
    "multiply": _one(alike(REAL, 2), plain(Builder.mul)),
    "divide": _one(alike(FLOATING, 2), plain(Builder.fdiv)),
    "negative": _one(alike(REAL, 1), plain(Builder.neg)),
    "abs": _one(alike(REAL, 1), typed(signs.magnitude)),
    "square": _one(alike(REAL, 1), plain(signs.square)),
    "sqrt": _one(alike(FLOATING, 1), plain(arithmetic.sqrt)),
    "rsqrt": _one(alike(FLOATING, 1), plain(arithmetic.rsqrt)),
    "reciprocal": _one(alike(FLOATING, 1), plain(arithmetic.reciprocal)),
    "floor_divide": _one(alike(INTEGERS, 2), typed(integers.floor_divide)),
    "remainder": _one(alike(INTEGERS, 2), typed(integers.remainder)),
    "pow": _one(alike(UNSIGNED, 2), plain(integers.pow_)),
    "maximum": _one(alike(REAL, 2), typed(comparison.maximum)),
    "minimum": _one(alike(REAL, 2), typed(comparison.minimum)),
    "relu": _one(alike(REAL, 1), typed(arithmetic.relu)),
    "sign": _one(alike(REAL, 1), typed(signs.sign)),
    "signbit": _one(predicate(FLOATING, 1), plain(signs.signbit)),
    "copysign": _one(alike(FLOATING, 2), plain(signs.copysign)),
    "ceil": _one(alike(REAL, 1), plain(rounding.ceil)),
    "floor": _one(alike(REAL, 1), plain(rounding.floor)),
    "trunc": _one(alike(REAL, 1), plain(rounding.trunc)),
    "round": _one(alike(REAL, 1), plain(rounding.round_)),
    "equal": _one(predicate(REAL | BOOLEAN, 2), typed(comparison.comparison("eq"))),
    "not_equal": _one(predicate(REAL | BOOLEAN, 2), typed(comparison.comparison("ne"))),
    "less": _one(predicate(REAL, 2), typed(comparison.comparison("lt"))),
    "less_equal": _one(predicate(REAL, 2), typed(comparison.comparison("le"))),
    "greater": _one(predicate(REAL, 2), typed(comparison.comparison("gt"))),
    "greater_equal": _one(predicate(REAL, 2), typed(comparison.comparison("ge"))),
    "isnan": _one(predicate(REAL, 1), typed(comparison.isnan)),
    "isinf": _one(predicate(REAL, 1), typed(comparison.isinf)),
    "isfinite": _one(predicate(REAL, 1), typed(comparison.isfinite)),
    "logical_and": _one(alike(BOOLEAN, 2), plain(logical.both)),
    "logical_or": _one(alike(BOOLEAN, 2), plain(logical.either)),
    "logical_xor": _one(alike(BOOLEAN, 2), plain(logical.one_of)),
    "logical_not": _one(alike(BOOLEAN, 1), plain(logical.inverted)),
    "bitwise_and": _one(alike(INTEGERS | BOOLEAN, 2), plain(logical.both)),
    "bitwise_or": _one(alike(INTEGERS | BOOLEAN, 2), plain(logical.either)),
    "bitwise_xor": _one(alike(INTEGERS | BOOLEAN, 2), plain(logical.one_of)),
    "bitwise_invert": _one(alike(INTEGERS | BOOLEAN, 1), plain(logical.inverted)),
    "bitwise_left_shift": _one(alike(INTEGERS, 2), plain(integers.left_shift)),
    "bitwise_right_shift": _one(alike(INTEGERS, 2), typed(integers.right_shift)),
    "cast": _one(lambda given, result: len(given) == 1 and given[0] in STORED and result in STORED, _cast),
    "where": _one(
        lambda given, result: (
            len(given) == 3 and given[0] == "bool" and given[1] == given[2] == result and result in STORED
        ),
        _where,
    ),
    "stop_gradient": _one(alike(REAL | BOOLEAN, 1), plain(lambda b, x: x)),
    "positive": _one(alike(REAL, 1), plain(lambda b, x: x)),
    **{name: _one(alike(SINGLE, 1), plain(function)) for name, function in _UNARY_SINGLE.items()},
}
"""Operation → the ways to write it."""


def supports(operation: str, dtypes: Sequence[str], result: str) -> bool:
    """Whether an operation of that short name can be written for operands and a result of these dtypes."""
    return _entry(operation, dtypes, result) is not None


def emit(
    b: Builder,
    operation: str,
    operands: Sequence[Value],
    dtypes: Sequence[str],
    result: str,
    attributes: Mapping[str, Any],
) -> Value:
    """The value of an elementwise operation, lane by lane. Operands and result have the COMPUTED types of their dtypes,
    in equally many lanes.

    Raises: KeyError for what `supports` denies.
    """
    entry = _entry(operation, dtypes, result)
    if entry is None:
        raise KeyError(f"{operation} of {', '.join(dtypes)} to {result}")
    return entry.write(b, operands, dtypes, result, attributes)


def _entry(operation: str, dtypes: Sequence[str], result: str) -> Entry | None:
    return next((entry for entry in TABLE.get(operation, ()) if entry.takes(dtypes, result)), None)
