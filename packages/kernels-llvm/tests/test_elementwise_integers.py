"""Elementwise operations on integers, against NumPy: all pairs of 8 bits, and of wider ones the ends of the range."""

from __future__ import annotations

import numpy as np
import pytest
from elementwise_kernels import Call, alike, compute, whole

from dovetail_kernels_llvm.codegen.types import SIGNED, UNSIGNED

INTEGERS = sorted(SIGNED | UNSIGNED)
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "floor_divide": np.floor_divide,
    "remainder": np.remainder,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "bitwise_left_shift": np.left_shift,
    "bitwise_right_shift": np.right_shift,
}
UNARY = {
    "negative": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "square": np.square,
    "bitwise_invert": np.invert,
    "ceil": np.positive,
    "floor": np.positive,
    "trunc": np.positive,
    "round": np.positive,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
}
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")


@pytest.mark.parametrize("dtype", INTEGERS)
def test_operations_are_those_of_numpy(dtype):
    x, y = whole(dtype)
    calls = [*(alike(name, dtype, 2) for name in BINARY), *(alike(name, dtype) for name in UNARY)]
    for call, got in zip(calls, compute(calls, [x, y]), strict=True):
        function = {**BINARY, **UNARY}[call.operation]
        with np.errstate(all="ignore"):
            expected = function(*(x, y)[: len(call.dtypes)])
        np.testing.assert_array_equal(got, expected, err_msg=call.operation)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_comparisons_are_those_of_numpy(dtype):
    x, y = whole(dtype)
    results = compute([Call(name, (dtype, dtype), "bool") for name in COMPARISONS], [x, y])
    for name, got in zip(COMPARISONS, results, strict=True):
        np.testing.assert_array_equal(got, getattr(np, name)(x, y), err_msg=name)
    kinds = compute([Call(name, (dtype,), "bool") for name in ("isnan", "isinf", "isfinite")], [x])
    assert [one.all() for one in kinds] == [False, False, True]
    assert [one.any() for one in kinds] == [False, False, True]


@pytest.mark.parametrize("dtype", sorted(UNSIGNED))
def test_pow_wraps_around(dtype):
    x, y = whole(dtype)
    (got,) = compute([alike("pow", dtype, 2)], [x, y])
    np.testing.assert_array_equal(got, np.power(x, y))


@pytest.mark.parametrize("dtype", sorted(SIGNED))
def test_the_least_number_by_minus_one_does_not_trap(dtype):
    least = np.array([np.iinfo(dtype).min] * 3, dtype)
    by = np.array([-1, 0, 1], dtype)
    quotient, rest = compute([alike("floor_divide", dtype, 2), alike("remainder", dtype, 2)], [least, by])
    np.testing.assert_array_equal(quotient, [least[0], 0, least[0]])
    np.testing.assert_array_equal(rest, [0, 0, 0])


@pytest.mark.parametrize("dtype", ["int64", "uint32", "int8"])
def test_a_lane_alone_gives_what_vectors_give(dtype):
    x, y = (one[::37] for one in whole(dtype))
    calls = [alike(name, dtype, 2) for name in BINARY]
    for call, alone, together in zip(calls, compute(calls, [x, y], lanes=1), compute(calls, [x, y]), strict=True):
        np.testing.assert_array_equal(alone, together, err_msg=call.operation)
