"""Elementwise operations on floating-point numbers and bools, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from elementwise_kernels import IN_MEMORY, Call, alike, bfloat16_bits, compute, pairs, special, spread, wide

from dovetail_kernels_llvm.codegen.types import FLOATING, SIGNED, STORED, UNSIGNED
from dovetail_kernels_llvm.elementwise import emit, supports
from dovetail_protocols import operations

FLOATS = sorted(FLOATING)
UNARY = {
    "negative": np.negative,
    "abs": np.abs,
    "square": np.square,
    "sign": np.sign,
    "ceil": np.ceil,
    "floor": np.floor,
    "trunc": np.trunc,
    "round": np.rint,
    "positive": np.positive,
    "stop_gradient": np.positive,
    "real": np.real,
    "imag": np.imag,
    "conj": np.conj,
}
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "copysign": np.copysign,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
PREDICATES = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": np.signbit}
COMPARISONS = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}


def stored(dtype, values):
    """Numbers of single precision as a dtype has them in memory; of double, as they are."""
    if dtype == "bfloat16":
        return bfloat16_bits(values)
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def operands(dtype):
    source = "float64" if dtype == "float64" else "float32"
    x, y = pairs(special(source))
    drawn = spread(source, per_exponent=4, seed=2)
    halves = np.arange(-40, 40, dtype=source) / 4
    shuffled = np.random.default_rng(3).permutation(drawn)
    return (
        stored(dtype, np.concatenate([x, drawn, halves])),
        stored(dtype, np.concatenate([y, shuffled, halves[::-1]])),
    )


def rounded(dtype, values):
    """What a dtype makes of a result, in the precision that it is compared in."""
    return wide(dtype, stored(dtype, values)) if dtype in ("float16", "bfloat16") else values


@pytest.mark.parametrize("dtype", FLOATS)
def test_arithmetic_rounds_as_numpy_does(dtype):
    x, y = operands(dtype)
    calls = [*(alike(name, dtype) for name in UNARY), *(alike(name, dtype, 2) for name in BINARY)]
    results = compute(calls, [x, y])
    for call, got in zip(calls, results, strict=True):
        function = {**UNARY, **BINARY}[call.operation]
        with np.errstate(all="ignore"):
            expected = rounded(dtype, function(*(wide(dtype, one) for one in (x, y)[: len(call.dtypes)])))
        np.testing.assert_array_equal(wide(dtype, got), expected, err_msg=call.operation)


@pytest.mark.parametrize("dtype", FLOATS)
def test_rounding_and_signs_keep_the_sign_of_zero(dtype):
    x, y = operands(dtype)
    calls = [alike(name, dtype) for name in ("negative", "abs", "ceil", "floor", "trunc", "round")]
    for call, got in zip(calls, compute(calls, [x, y]), strict=True):
        with np.errstate(invalid="ignore"):
            expected = UNARY[call.operation](wide(dtype, x))
        ordinary = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(wide(dtype, got))[ordinary], np.signbit(expected)[ordinary])


@pytest.mark.parametrize("dtype", FLOATS)
def test_comparisons_and_kinds_are_those_of_numpy(dtype):
    x, y = operands(dtype)
    calls = [Call(name, (dtype,), "bool") for name in PREDICATES]
    calls += [Call(name, (dtype, dtype), "bool") for name in COMPARISONS]
    for call, got in zip(calls, compute(calls, [x, y]), strict=True):
        function = {**PREDICATES, **COMPARISONS}[call.operation]
        expected = function(*(wide(dtype, one) for one in (x, y)[: len(call.dtypes)]))
        np.testing.assert_array_equal(got, expected, err_msg=call.operation)


@pytest.mark.parametrize("dtype", FLOATS)
def test_nextafter_steps_by_the_bits_of_the_dtype(dtype):
    x, y = operands(dtype)
    (got,) = compute([alike("nextafter", dtype, 2)], [x, y])
    if dtype != "bfloat16":
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(got, np.nextafter(x, y))
        return
    wide_x, wide_y = wide(dtype, x), wide(dtype, y)
    one, other = wide_x[(wide_x > 0) & (wide_x < wide_y)], wide(dtype, got)[(wide_x > 0) & (wide_x < wide_y)]
    np.testing.assert_array_equal(bfloat16_bits(other), bfloat16_bits(one) + 1)


@pytest.mark.parametrize("dtype", FLOATS)
def test_remainder_and_floor_divide_are_exact(dtype):
    x, y = operands(dtype)
    results = compute([alike("remainder", dtype, 2), alike("floor_divide", dtype, 2)], [x, y])
    rest, quotient, x, y = (wide(dtype, one) for one in (*results, x, y))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(rest, rounded(dtype, np.remainder(x, y)))
        exact = rounded(dtype, np.where(np.isinf(x), x / y, np.floor_divide(x, y)))
    is_zero = rest == 0
    np.testing.assert_array_equal(np.signbit(rest[is_zero]), np.signbit(y[is_zero]))
    # NumPy rounds single precision twice more, where the quotient has more digits than the dtype.
    small = ~(np.abs(exact) > 2.0**20)
    np.testing.assert_array_equal(quotient[small], exact[small])
    precision = {"float16": 2.0**-10, "bfloat16": 2.0**-7}.get(dtype) or 4 * np.finfo(dtype).eps
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(quotient, exact, rtol=precision)


@pytest.mark.parametrize("constant", [0.0, 1.0, float("nan")])
def test_extremes_propagate_nan_beside_a_constant(constant):
    x = special("float32")
    calls = [Call(name, ("float32", "float32"), "float32", last=constant) for name in ("maximum", "minimum")]
    largest, smallest = compute(calls, [x])
    np.testing.assert_array_equal(largest, np.maximum(x, np.float32(constant)))
    np.testing.assert_array_equal(smallest, np.minimum(x, np.float32(constant)))


def test_operations_of_constants_alone():
    calls = [
        Call(name, ("float32",), "float32", last=0.75) for name in ("exp", "sin", "sigmoid", "erf", "abs", "round")
    ]
    x = np.zeros(3, np.float32)
    for alone, together in zip(compute(calls, [x], lanes=1), compute(calls, [x]), strict=True):
        np.testing.assert_array_equal(alone, together)
    assert compute(calls[4:], [x])[0].tolist() == [0.75] * 3


def test_sums_of_halves_are_as_finite_as_they_will_be_in_memory():
    x = np.array([65504, 65504, 65504, np.inf, np.nan], np.float16)
    y = np.array([0, 15, 16, 0, 0], np.float16)
    calls = [Call("add", ("float16", "float16"), "bool", then=name) for name in ("isfinite", "isinf")]
    near, far = compute(calls, [x, y])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(near, np.isfinite(x + y))
        np.testing.assert_array_equal(far, np.isinf(x + y))


def test_logic_of_bools():
    x, y = pairs(np.array([False, True]))
    names = ("logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor")
    for name, got in zip(names, compute([alike(name, "bool", 2) for name in names], [x, y]), strict=True):
        np.testing.assert_array_equal(got, getattr(np, name)(x, y), err_msg=name)
    for name in ("logical_not", "bitwise_invert"):
        np.testing.assert_array_equal(compute([alike(name, "bool")], [x])[0], ~x)
    equal, different = compute([Call(name, ("bool", "bool"), "bool") for name in ("equal", "not_equal")], [x, y])
    np.testing.assert_array_equal(equal, x == y)
    np.testing.assert_array_equal(different, x != y)


@pytest.mark.parametrize("dtype", STORED)
def test_where_chooses_by_lanes(dtype):
    random = np.random.default_rng(4)
    condition = random.integers(0, 2, 100).astype(bool)
    x, y = random.integers(0, 2, (2, 100)).astype(IN_MEMORY[dtype])
    (got,) = compute([Call("where", ("bool", dtype, dtype), dtype)], [condition, x, y])
    np.testing.assert_array_equal(got, np.where(condition, x, y))


PRIMITIVES = {
    *("abs", "add", "divide", "floor_divide", "remainder", "subtract", "multiply", "pow", "negative", "sqrt", "hypot"),
    *("maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert", "bitwise_left_shift"),
    *("bitwise_right_shift", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isnan", "isinf"),
    *("isfinite", "real", "imag", "conj", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "logical_and"),
    *("logical_or", "logical_xor", "logical_not", "ceil", "floor", "trunc", "round", "sign", "signbit", "copysign"),
    *("nextafter", "erf", "erfinv", "sigmoid", "stop_gradient", "sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
}
BOOLEAN_RESULTS = {*COMPARISONS, *PREDICATES}


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_every_elementwise_primitive_is_taken_with_just_the_dtypes_of_the_standard(name):
    operation = getattr(operations, name)
    count = len(operation.operands)
    for dtype in (*STORED, "complex64", "complex128", "float8_e4m3fn", "float8_e5m2"):
        result = "bool" if name in BOOLEAN_RESULTS else dtype
        expected = dtype in STORED and dtype in operation.operands[0].dtypes
        if name == "pow" and dtype in SIGNED:
            expected = False  # NumPy refuses negative exponents, which a kernel can't
        assert supports(name, [dtype] * count, result) == expected, dtype
        assert not supports(name, [dtype] * (count + 1), result)
        assert not supports(name, [dtype] * count, "bool" if result != "bool" else "float32")


def test_what_is_not_supported_is_not_emitted():
    assert not supports("add", ["float32", "float64"], "float32")
    assert not supports("where", ["int8", "float32", "float32"], "float32")
    assert not supports("matmul", ["float32", "float32"], "float32")
    assert not supports("cast", ["complex64"], "float32")
    assert supports("bitwise_left_shift", ["uint8", "uint8"], "uint8")
    assert not UNSIGNED & FLOATING
    with pytest.raises(KeyError, match="add of complex64, complex64 to complex64"):
        emit(None, "add", [], ["complex64", "complex64"], "complex64", {})
