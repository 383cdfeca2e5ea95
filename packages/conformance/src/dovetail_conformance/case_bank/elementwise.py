"""One generator for all operations that work element by element and broadcast."""

from __future__ import annotations

from itertools import product

from dovetail_protocols import dtypes as dt
from dovetail_protocols.operation import Operation

from ..cases import Case, Operand

SIGNED, POSITIVE, UNIT, ABOVE_ONE = (-2.0, 2.0), (0.2, 3.0), (-0.9, 0.9), (1.1, 3.0)
SPECIAL = (0.0, -0.0, 1.0, -1.5, float("inf"), float("-inf"), float("nan"))
INTEGERS = (0, 1, 2, 3, 100)
LONG = 67
"""An odd length beyond any vector width, so that a dropped tail shows."""

DOMAINS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("abs", "add", "subtract", "multiply", "divide", "negative", "positive", "square", "sign"), SIGNED),
    **dict.fromkeys(("maximum", "minimum", "ceil", "floor", "trunc", "round", "signbit", "copysign", "hypot"), SIGNED),
    **dict.fromkeys(("real", "imag", "conj", "stop_gradient", "reciprocal", "nextafter", "logaddexp"), SIGNED),
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), SIGNED),
    **dict.fromkeys(("isnan", "isinf", "isfinite"), SIGNED),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor", "logical_not"), SIGNED),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert"), (-50.0, 50.0)),
    **dict.fromkeys(("exp", "expm1", "exp2", "sin", "cos", "sinh", "cosh", "tanh", "asinh", "atan"), SIGNED),
    **dict.fromkeys(("erf", "sigmoid", "silu", "gelu", "softplus", "log_sigmoid", "relu", "relu6"), SIGNED),
    **dict.fromkeys(("leaky_relu", "elu", "selu", "celu", "mish", "softsign", "hard_sigmoid", "hard_silu"), SIGNED),
    **dict.fromkeys(("absolute_error", "squared_error", "huber", "log_cosh", "atan2"), SIGNED),
    **dict.fromkeys(("sqrt", "rsqrt", "log", "log2", "log10", "log1p"), POSITIVE),
    **dict.fromkeys(("asin", "acos", "atanh", "erfinv", "tan"), UNIT),
    **dict.fromkeys(("pow", "floor_divide", "remainder"), (1.0, 3.4)),
    **dict.fromkeys(("acosh",), ABOVE_ONE),
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), (0.0, 6.0)),
    "sigmoid_cross_entropy": (0.1, 0.9),
    "sigmoid_cross_entropy_gradient": (0.1, 0.9),
}
"""Operation → the range in which its operands are drawn: where it is defined, and most often smooth."""

INTEGER_ONLY = frozenset(name for name in DOMAINS if name.startswith(("bitwise_", "logical_")))
ALIGNED = frozenset({"sigmoid_cross_entropy_gradient", "sigmoid_cross_entropy"})
"""Those whose operands don't broadcast with one another."""
DISCONTINUOUS = frozenset({"floor_divide", "remainder", "ceil", "floor", "trunc", "round", "sign", "nextafter"})
EXACT = frozenset({"nextafter"})
NO_SPECIALS = frozenset({"sigmoid_cross_entropy", "sigmoid_cross_entropy_gradient", "log_cosh", "huber"})


def cases(operation: Operation, low: float = -2.0, high: float = 2.0) -> tuple[Case, ...]:
    """Calls of an operation that works element by element, its operands drawn from `low` to `high`.

    For your own operations too: `kernel_suite("acme", cases={"acme::double": elementwise_cases(double)})`.
    """
    name = operation.short_name
    arity = sum(not operand.optional for operand in operation.operands)

    def call(title: str, *shapes: tuple[int, ...], smooth: bool = False) -> Case:
        operands = tuple(Operand(shape, low, high) for shape in shapes)
        return Case(title, operands, smooth=smooth and name not in DISCONTINUOUS, exact=name in EXACT)

    alike = [
        call("plain", *[(2, 3)] * arity, smooth=True),
        call("0-d", *[()] * arity),
        call("empty", *[(0, 3)] * arity),
        call("long", *[(LONG,)] * arity),
        call("three axes", *[(2, 3, 5)] * arity),
    ]
    if arity > 1 and name not in ALIGNED:
        alike.append(call("broadcast", *((2, 1, 3), (4, 1), (3,))[:arity], smooth=True))
        alike.append(call("with 0-d", (2, 3), *[()] * (arity - 1)))
    if name not in NO_SPECIALS:
        alike.append(_special(name, arity))
    return tuple(alike)


def _special(name: str, arity: int) -> Case:
    """Every pair of NaN, infinities, zeros and a few numbers; for dtypes without them what they convert to."""
    values: tuple[float, ...] = INTEGERS[:4] if "shift" in name else INTEGERS if name in INTEGER_ONLY else SPECIAL
    columns = list(zip(*product(values, repeat=arity), strict=True))
    operands = tuple(Operand((len(column),), values=column) for column in columns)
    # An integer to a negative power is undefined in the array API standard.
    kinds = frozenset({dt.FLOATING, dt.COMPLEX}) if name == "pow" else None
    return Case("special values", operands, exact=name in EXACT, kinds=kinds)
