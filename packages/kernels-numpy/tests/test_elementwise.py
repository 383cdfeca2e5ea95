"""Elementwise kernels: every dtype, every layout, no warnings, and values against Python's own math."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_numpy.dtypes import numpy_dtype
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops

FAMILIES = ("arithmetic", "signs", "complex_numbers", "exponential", "trigonometric", "special", "rounding")
FAMILIES += ("comparison", "logical", "bitwise", "activations", "gradients")
OPERATIONS = [
    operation for operation in (getattr(ops, name) for name in ops.__all__) if operation.source_file in FAMILIES
]
CASES = [
    pytest.param(operation, dtype, id=f"{operation.short_name}-{dtype}")
    for operation in OPERATIONS
    for dtype in dt.ALL
    if dtype.name in operation.operands[0].dtypes
]


def extremes(dtype: dt.DType) -> Any:
    """Numbers of a dtype that upset arithmetic, (6, 2) and not contiguous."""
    if dtype.is_floating or dtype.is_complex:
        numbers = [0.0, -0.0, 1.0, -2.5, 1e-3, 1e4, math.inf, -math.inf, math.nan, 0.5, 3.0, -1.0]
    elif dtype is dt.bool_:
        numbers = [True, False] * 6
    else:
        width = 8 * dtype.size_bytes
        low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if dtype.kind == dt.SIGNED else (0, 2**width - 1)
        numbers = [0, 1, 2, 3, 5, 7, high, low, high - 1, low + 1, 6, 4]
    with np.errstate(all="ignore"):
        array = np.array(numbers).astype(numpy_dtype(dtype))
    return np.stack([array, array[::-1]]).reshape(2, 12).T[::2]


def has_kernel(operation: Any) -> bool:
    from dovetail_kernels_numpy.package import PACKAGE

    return any(spec.operation == operation.name for spec in PACKAGE.kernels())


@pytest.mark.parametrize(("operation", "dtype"), CASES)
def test_every_dtype_is_computed_without_warnings_for_every_layout(compute, operation, dtype):
    if not has_kernel(operation):
        assert not operation.is_primitive
        return
    x = extremes(dtype)
    operands = [x, x[:, ::-1]][: len([o for o in operation.operands if not o.optional])]
    if operation in (ops.pow, ops.bitwise_left_shift, ops.bitwise_right_shift) and dtype.is_integer:
        operands[1] = np.full_like(x, 3)
    whole = compute(operation, *operands)
    part = compute(operation, *(np.ascontiguousarray(operand[2]) for operand in operands))
    np.testing.assert_array_equal(part.astype(complex), whole[2].astype(complex))
    assert compute(operation, *(operand[:0] for operand in operands)).shape == (0, 2)
    np.testing.assert_array_equal(
        compute(operation, *(operand[2, 1] for operand in operands)).astype(complex), whole[2, 1].astype(complex)
    )


UNARY = {
    ops.exp: math.exp,
    ops.expm1: math.expm1,
    ops.exp2: math.exp2,
    ops.log: math.log,
    ops.log1p: math.log1p,
    ops.log2: math.log2,
    ops.log10: math.log10,
    ops.sqrt: math.sqrt,
    ops.rsqrt: lambda x: 1 / math.sqrt(x),
    ops.reciprocal: lambda x: 1 / x,
    ops.square: lambda x: x * x,
    ops.abs: abs,
    ops.negative: lambda x: -x,
    ops.positive: lambda x: x,
    ops.sign: lambda x: math.copysign(1, x),
    ops.signbit: lambda x: math.copysign(1, x) < 0,
    ops.sin: math.sin,
    ops.cos: math.cos,
    ops.tan: math.tan,
    ops.asin: math.asin,
    ops.acos: math.acos,
    ops.atan: math.atan,
    ops.sinh: math.sinh,
    ops.cosh: math.cosh,
    ops.tanh: math.tanh,
    ops.asinh: math.asinh,
    ops.acosh: math.acosh,
    ops.atanh: math.atanh,
    ops.floor: math.floor,
    ops.ceil: math.ceil,
    ops.trunc: math.trunc,
    ops.round: round,
    ops.relu: lambda x: max(x, 0.0),
    ops.relu6: lambda x: min(max(x, 0.0), 6.0),
    ops.leaky_relu: lambda x: x if x > 0 else 0.2 * x,
    ops.sigmoid: lambda x: 1 / (1 + math.exp(-x)),
    ops.silu: lambda x: x / (1 + math.exp(-x)),
    ops.softplus: lambda x: math.log1p(math.exp(x)),
    ops.log_sigmoid: lambda x: -math.log1p(math.exp(-x)),
    ops.gelu: lambda x: x * 0.5 * math.erfc(-x / math.sqrt(2)),
}
POINTS = (-7.25, -2.5, -1.0, -0.75, -0.5, -0.125, 0.25, 0.5, 0.875, 1.0, 1.5, 2.5, 3.0, 6.5)


@pytest.mark.parametrize("operation", UNARY, ids=lambda op: op.short_name)
def test_unary_values_are_those_of_pythons_math(compute, operation):
    expected = {}
    for point in POINTS:
        try:
            expected[point] = UNARY[operation](point)
        except (ValueError, ZeroDivisionError):
            continue
    assert expected
    # Both sides err by an ulp or two; gelu's decomposition loses 1 + erf for x ≪ 0, hence the absolute tolerance.
    np.testing.assert_allclose(
        compute(operation, list(expected)), list(expected.values()), rtol=8 * 2**-52, atol=2**-52
    )


@pytest.mark.parametrize(
    "operation",
    [
        *(ops.exp, ops.log, ops.log10, ops.sqrt, ops.sin, ops.cos, ops.tan, ops.asin, ops.acos, ops.atan),
        *(ops.sinh, ops.cosh, ops.tanh, ops.asinh, ops.acosh, ops.atanh),
    ],
    ids=lambda op: op.short_name,
)
def test_complex_values_are_those_of_pythons_cmath(compute, operation):
    points = [0.3 + 0.4j, -1.2 + 0.7j, -0.4 - 2.1j, 2.0 - 0.3j]
    np.testing.assert_allclose(
        compute(operation, points), [getattr(cmath, operation.short_name)(point) for point in points], rtol=1e-14
    )


BINARY = {
    ops.add: lambda x, y: x + y,
    ops.subtract: lambda x, y: x - y,
    ops.multiply: lambda x, y: x * y,
    ops.divide: lambda x, y: x / y,
    ops.floor_divide: lambda x, y: x // y,
    ops.remainder: lambda x, y: x % y,
    ops.maximum: max,
    ops.minimum: min,
    ops.hypot: math.hypot,
    ops.copysign: math.copysign,
    ops.nextafter: math.nextafter,
    ops.atan2: math.atan2,
    ops.logaddexp: lambda x, y: math.log(math.exp(x) + math.exp(y)),
    ops.equal: lambda x, y: x == y,
    ops.not_equal: lambda x, y: x != y,
    ops.less: lambda x, y: x < y,
    ops.less_equal: lambda x, y: x <= y,
    ops.greater: lambda x, y: x > y,
    ops.greater_equal: lambda x, y: x >= y,
}


@pytest.mark.parametrize("operation", BINARY, ids=lambda op: op.short_name)
def test_binary_values_are_those_of_python_over_all_pairs(compute, operation):
    column, row = np.array(POINTS)[:, None], np.array(POINTS)
    expected = [[BINARY[operation](x, y) for y in POINTS] for x in POINTS]
    np.testing.assert_allclose(compute(operation, column, row), expected, rtol=4 * 2**-52, atol=2**-52)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint32"])
@pytest.mark.parametrize(
    ("operation", "function"),
    [
        (ops.floor_divide, lambda x, y: x // y),
        (ops.remainder, lambda x, y: x % y),
        (ops.pow, lambda x, y: x**y),
        (ops.bitwise_and, lambda x, y: x & y),
        (ops.bitwise_or, lambda x, y: x | y),
        (ops.bitwise_xor, lambda x, y: x ^ y),
        (ops.bitwise_left_shift, lambda x, y: x << y),
        (ops.bitwise_right_shift, lambda x, y: x >> y),
    ],
    ids=lambda value: getattr(value, "short_name", ""),
)
def test_integers_are_computed_as_python_does(compute, operation, function, dtype):
    left, right = np.array([0, 1, 2, 3, 4], dtype)[:, None], np.array([1, 2, 3], dtype)
    np.testing.assert_array_equal(
        compute(operation, left, right), [[function(x, y) for y in (1, 2, 3)] for x in range(5)]
    )


@pytest.mark.parametrize(("x", "y"), [(-7, 2), (7, -2), (-7, -2), (-8, 3)])
def test_division_of_signed_integers_rounds_down(compute, x, y):
    assert compute(ops.floor_divide, np.int32(x), np.int32(y)) == x // y
    assert compute(ops.remainder, np.int32(x), np.int32(y)) == x % y


INF, NAN = math.inf, math.nan
SPECIAL_CASES = [
    (ops.divide, (1.0, 0.0), INF),
    (ops.divide, (-1.0, 0.0), -INF),
    (ops.divide, (0.0, 0.0), NAN),
    (ops.floor_divide, (INF, 2.0), INF),
    (ops.floor_divide, (-INF, 2.0), -INF),
    (ops.floor_divide, (INF, INF), NAN),
    (ops.floor_divide, (3.0, 0.0), INF),
    (ops.floor_divide, (3.0, -INF), -1.0),
    (ops.floor_divide, (3.0, INF), 0.0),
    (ops.remainder, (3.0, INF), 3.0),
    (ops.remainder, (3.0, -INF), -INF),
    (ops.remainder, (3.0, 0.0), NAN),
    (ops.pow, (NAN, 0.0), 1.0),
    (ops.pow, (1.0, NAN), 1.0),
    (ops.pow, (0.0, -1.0), INF),
    (ops.pow, (-8.0, 1 / 3), NAN),
    (ops.pow, (-INF, 2.0), INF),
    (ops.pow, (NAN, 2.0), NAN),
    (ops.maximum, (NAN, 1.0), NAN),
    (ops.minimum, (1.0, NAN), NAN),
    (ops.hypot, (INF, NAN), INF),
    (ops.hypot, (3 * 2.0**700, 4 * 2.0**700), 5 * 2.0**700),
    (ops.logaddexp, (INF, INF), INF),
    (ops.logaddexp, (-INF, -INF), -INF),
    (ops.logaddexp, (1000.0, 1000.0), 1000.0 + math.log(2)),
    (ops.atan2, (0.0, -0.0), math.pi),
    (ops.atan2, (-0.0, -1.0), -math.pi),
    (ops.sqrt, (-1.0,), NAN),
    (ops.log, (0.0,), -INF),
    (ops.log, (-1.0,), NAN),
    (ops.exp, (1000.0,), INF),
    (ops.sin, (INF,), NAN),
    (ops.sign, (NAN,), NAN),
    (ops.sign, (-0.0,), 0.0),
    (ops.round, (2.5,), 2.0),
    (ops.round, (-3.5,), -4.0),
    (ops.sigmoid, (-1000.0,), 0.0),
    (ops.sigmoid, (1000.0,), 1.0),
    (ops.softplus, (1000.0,), 1000.0),
    (ops.softplus, (-INF,), 0.0),
    (ops.log_sigmoid, (-1000.0,), -1000.0),
    (ops.relu, (NAN,), NAN),
    (ops.gelu, (-INF,), NAN),
]


@pytest.mark.parametrize(("operation", "operands", "expected"), SPECIAL_CASES)
def test_special_cases(compute, operation, operands, expected):
    np.testing.assert_array_equal(compute(operation, *operands), expected)


def test_the_sign_of_zero_is_kept(compute):
    assert math.copysign(1, compute(ops.trunc, -0.5)) == -1
    assert math.copysign(1, compute(ops.floor_divide, -0.0, 2.0)) == -1
    assert math.copysign(1, compute(ops.erf, -0.0)) == -1


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(2, 4, [2, 3, 4]), (None, 4, [1, 3, 4]), (2, None, [2, 3, 5]), (None, None, [1, 3, 5])],
)
def test_clip_with_and_without_bounds(compute, low, high, expected):
    bounds = [None if bound is None else np.int32(bound) for bound in (low, high)]
    np.testing.assert_array_equal(compute(ops.clip, np.array([1, 3, 5], np.int32), *bounds), expected)


def test_clip_of_nan_is_nan_and_crossed_bounds_give_the_upper(compute):
    np.testing.assert_array_equal(compute(ops.clip, [NAN, 0.0], 3.0, 1.0), [NAN, 1.0])


def test_parts_of_complex_numbers(compute):
    z = np.array([3 - 4j], np.complex64)
    assert compute(ops.abs, z) == 5
    assert compute(ops.real, z) == 3
    assert compute(ops.imag, z) == -4
    assert compute(ops.conj, z) == 3 + 4j
    np.testing.assert_allclose(compute(ops.sign, z), 0.6 - 0.8j, rtol=1e-7)
    assert compute(ops.imag, np.float32([2.0])) == 0


def test_a_scalar_exponent_of_two_is_the_square(compute):
    x = np.array([-3.0, 1e200, NAN])
    np.testing.assert_array_equal(compute(ops.pow, x, 2.0), [9.0, INF, NAN])


def test_gelu_by_tanh_follows_its_formula(compute):
    x = np.array(POINTS)
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    np.testing.assert_allclose(
        compute(ops.gelu, x, approximate=True), 0.5 * x * (1 + np.tanh(inner)), rtol=1e-12, atol=1e-15
    )
