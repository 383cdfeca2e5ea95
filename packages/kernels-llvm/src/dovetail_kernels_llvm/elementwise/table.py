"""The elementwise operations, by name: which dtypes they take, and who writes their instructions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dovetail_protocols.records import record

from ..codegen.builder import Builder, Value
from ..codegen.types import FLOATING, SIGNED, STORED, UNSIGNED
from . import (
    activations,
    arithmetic,
    bits,
    comparison,
    error_function,
    exponential,
    hyperbolic,
    integers,
    inverse_trigonometric,
    logarithm,
    logical,
    power,
    remainders,
    rounding,
    signs,
    trigonometric,
    type_conversion,
)

Emit = Callable[[Builder, Sequence[Value], Sequence[str], str, Mapping[str, Any]], Value]
Takes = Callable[[Sequence[str], str], bool]

INTEGERS = SIGNED | UNSIGNED
REAL = FLOATING | INTEGERS
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


def with_attributes(function: Callable[..., Value]) -> Emit:
    """Of values, and the operation's attributes by keyword."""
    return lambda b, values, dtypes, result, attributes: function(b, *values, **attributes)


def _cast(b: Builder, values: Sequence[Value], dtypes: Sequence[str], result: str, _: Mapping[str, Any]) -> Value:
    return type_conversion.cast(b, dtypes[0], result, values[0])


def _where(b: Builder, values: Sequence[Value], dtypes: Sequence[str], result: str, _: Mapping[str, Any]) -> Value:
    return b.select(*values)


def _one(takes: Takes, write: Emit) -> tuple[Entry, ...]:
    return (Entry(takes, write),)


def _of(table: Mapping[str, Callable[..., Value]], dtypes: frozenset[str], count: int) -> dict[str, tuple[Entry, ...]]:
    """Functions of values alone whose operands and result are alike."""
    return {name: (Entry(alike(dtypes, count), plain(function)),) for name, function in table.items()}


def _same(b: Builder, x: Value) -> Value:
    return x


TABLE: dict[str, tuple[Entry, ...]] = {
    **_of({"add": Builder.add, "subtract": Builder.sub, "multiply": Builder.mul}, REAL, 2),
    **_of(
        {"negative": Builder.neg, "square": arithmetic.square, "positive": _same, "conj": _same, "real": _same}, REAL, 1
    ),
    "imag": _one(alike(REAL, 1), plain(lambda b, x: b.constant(x.type, 0))),
    "stop_gradient": _one(alike(REAL | BOOLEAN, 1), plain(_same)),
    "abs": _one(alike(REAL, 1), typed(signs.magnitude)),
    "divide": _one(alike(FLOATING, 2), plain(Builder.fdiv)),
    "floor_divide": (
        Entry(alike(INTEGERS, 2), typed(integers.floor_divide)),
        Entry(alike(FLOATING, 2), plain(remainders.floor_divide)),
    ),
    "remainder": (
        Entry(alike(INTEGERS, 2), typed(integers.remainder)),
        Entry(alike(FLOATING, 2), plain(remainders.remainder)),
    ),
    # NumPy refuses negative exponents of signed integers when it sees one, which a kernel can't do.
    "pow": (Entry(alike(UNSIGNED, 2), plain(integers.pow_)), Entry(alike(FLOATING, 2), plain(power.pow_))),
    "maximum": _one(alike(REAL, 2), typed(comparison.maximum)),
    "minimum": _one(alike(REAL, 2), typed(comparison.minimum)),
    "clip": _one(alike(REAL, 3), typed(activations.clip)),
    "sign": _one(alike(REAL, 1), typed(signs.sign)),
    "signbit": _one(predicate(FLOATING, 1), plain(signs.signbit)),
    "copysign": _one(alike(FLOATING, 2), plain(bits.with_sign)),
    "nextafter": _one(alike(FLOATING, 2), typed(signs.nextafter)),
    **_of({"ceil": rounding.ceil, "floor": rounding.floor, "trunc": rounding.trunc, "round": rounding.round_}, REAL, 1),
    "equal": _one(predicate(REAL | BOOLEAN, 2), typed(comparison.comparison("eq"))),
    "not_equal": _one(predicate(REAL | BOOLEAN, 2), typed(comparison.comparison("ne"))),
    "less": _one(predicate(REAL, 2), typed(comparison.comparison("lt"))),
    "less_equal": _one(predicate(REAL, 2), typed(comparison.comparison("le"))),
    "greater": _one(predicate(REAL, 2), typed(comparison.comparison("gt"))),
    "greater_equal": _one(predicate(REAL, 2), typed(comparison.comparison("ge"))),
    "isnan": _one(predicate(REAL, 1), typed(comparison.isnan)),
    "isinf": _one(predicate(REAL, 1), typed(comparison.isinf)),
    "isfinite": _one(predicate(REAL, 1), typed(comparison.isfinite)),
    **_of({"logical_and": logical.both, "logical_or": logical.either, "logical_xor": logical.one_of}, BOOLEAN, 2),
    "logical_not": _one(alike(BOOLEAN, 1), plain(logical.inverted)),
    **_of(
        {"bitwise_and": logical.both, "bitwise_or": logical.either, "bitwise_xor": logical.one_of},
        INTEGERS | BOOLEAN,
        2,
    ),
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
    **_of(
        {
            "sqrt": arithmetic.sqrt,
            "rsqrt": arithmetic.rsqrt,
            "reciprocal": arithmetic.reciprocal,
            "exp": exponential.exp,
            "exp2": exponential.exp2,
            "expm1": exponential.expm1,
            "log": logarithm.log,
            "log1p": logarithm.log1p,
            "log2": logarithm.log2,
            "log10": logarithm.log10,
            "sin": trigonometric.sin,
            "cos": trigonometric.cos,
            "tan": trigonometric.tan,
            "asin": inverse_trigonometric.asin,
            "acos": inverse_trigonometric.acos,
            "atan": inverse_trigonometric.atan,
            "sinh": hyperbolic.sinh,
            "cosh": hyperbolic.cosh,
            "tanh": hyperbolic.tanh,
            "asinh": hyperbolic.asinh,
            "acosh": hyperbolic.acosh,
            "atanh": hyperbolic.atanh,
            "erf": error_function.erf,
            "erfinv": error_function.erfinv,
            "sigmoid": hyperbolic.sigmoid,
            "selu": activations.selu,
            "silu": activations.silu,
            "softplus": activations.softplus,
            "log_sigmoid": activations.log_sigmoid,
            "softsign": activations.softsign,
            "hard_sigmoid": activations.hard_sigmoid,
            "hard_silu": activations.hard_silu,
            "mish": activations.mish,
        },
        FLOATING,
        1,
    ),
    **_of(
        {"atan2": inverse_trigonometric.atan2, "hypot": remainders.hypot, "logaddexp": activations.logaddexp},
        FLOATING,
        2,
    ),
    "relu": _one(alike(REAL, 1), typed(activations.relu)),
    "relu6": _one(alike(REAL, 1), typed(activations.relu6)),
    "leaky_relu": _one(alike(FLOATING, 1), with_attributes(activations.leaky_relu)),
    "elu": _one(alike(FLOATING, 1), with_attributes(activations.elu)),
    "celu": _one(alike(FLOATING, 1), with_attributes(activations.celu)),
    "gelu": _one(alike(FLOATING, 1), with_attributes(activations.gelu)),
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
