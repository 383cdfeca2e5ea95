"""The functions of single precision, against NumPy's of double precision, on every exponent.

Bounds are the errors over all floats that docs/kernels-llvm-accuracy.md lists, rounded up; without fused multiply-add
up to 0.4 units more. The oracle's own error, of some 2^-52, is 2^-29 units here.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from elementwise_kernels import Call, alike, compute, pairs, special, spread, worst

from dovetail_kernels_llvm.codegen.isa import isa

FUNCTIONS = {
    "exp": (np.exp, 0.9),
    "exp2": (np.exp2, 0.9),
    "expm1": (np.expm1, 1.5),
    "log": (np.log, 0.9),
    "log1p": (np.log1p, 1.4),
    "log2": (np.log2, 1.3),
    "log10": (np.log10, 1.7),
    "sin": (np.sin, 1.6),
    "cos": (np.cos, 1.6),
    "tan": (np.tan, 0.6),
    "asin": (np.arcsin, 1.2),
    "acos": (np.arccos, 1.2),
    "atan": (np.arctan, 1.4),
    "sinh": (np.sinh, 1.7),
    "cosh": (np.cosh, 1.4),
    "tanh": (np.tanh, 1.4),
    "asinh": (np.arcsinh, 0.51),
    "acosh": (np.arccosh, 0.51),
    "atanh": (np.arctanh, 0.51),
    "sqrt": (np.sqrt, 0.51),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1.5),
    "reciprocal": (lambda x: 1 / x, 0.51),
    "erf": (np.vectorize(math.erf), 1.1),
    "sigmoid": (lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x))), 1.7),
}
OF_TWO = {"pow": (np.power, 0.51), "atan2": (np.arctan2, 1.6), "hypot": (np.hypot, 0.51)}


@pytest.fixture(scope="module")
def numbers():
    return spread("float32")


@pytest.fixture(scope="module")
def computed(numbers):
    calls = [alike(name, "float32") for name in (*FUNCTIONS, "erfinv")]
    return dict(zip((*FUNCTIONS, "erfinv"), compute(calls, [numbers]), strict=True))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_within_their_bounds(numbers, computed, name):
    function, bound = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        expected = function(numbers.astype(np.float64))
    error, where = worst(computed[name], expected, numbers)
    assert error <= bound + (0 if isa().fma else 0.4), where


@pytest.mark.parametrize(
    "name", ["sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "expm1", "log1p", "erf", "erfinv"]
)
def test_odd_functions_keep_the_sign_of_zero(numbers, computed, name):
    is_zero = numbers == 0
    np.testing.assert_array_equal(np.signbit(computed[name][is_zero]), np.signbit(numbers[is_zero]))


def test_erfinv_inverts_erf(numbers, computed):
    inside = np.abs(numbers) < 1
    x, y = computed["erfinv"][inside].astype(np.float64), numbers[inside].astype(np.float64)
    # One step of Newton's method from the result, on the complement where that is more precise, is the oracle.
    complement = np.vectorize(math.erfc)(np.abs(x)) - (1 - np.abs(y))
    missing = np.where(np.abs(x) < 0.5, np.abs(y) - np.vectorize(math.erf)(np.abs(x)), complement)
    exact = x + np.copysign(missing * np.exp(x * x) * math.sqrt(math.pi) / 2, x)
    error, where = worst(computed["erfinv"][inside], exact, numbers[inside])
    assert error <= 0.51, where
    outside = computed["erfinv"][np.abs(numbers) > 1]
    assert np.isnan(outside).all()
    np.testing.assert_array_equal(computed["erfinv"][numbers == 1], np.inf)


@pytest.mark.parametrize("name", OF_TWO)
def test_errors_of_functions_of_two_are_within_their_bounds(name):
    function, bound = OF_TWO[name]
    random = np.random.default_rng(1)
    x, y = pairs(special("float32"))
    drawn = random.permutation(spread("float32", per_exponent=16))
    base, exponent = random.uniform(0, 3, 8192), random.uniform(-140, 140, 8192)
    x = np.concatenate([x, drawn, base.astype(np.float32)])
    y = np.concatenate([y, random.permutation(drawn), exponent.astype(np.float32)])
    (got,) = compute([alike(name, "float32", 2)], [x, y])
    with np.errstate(all="ignore"):
        expected = function(x.astype(np.float64), y.astype(np.float64))
    error, where = worst(got, expected, x, y)
    assert error <= bound, where
    is_zero = (got == 0) & (expected == 0)
    np.testing.assert_array_equal(np.signbit(got[is_zero]), np.signbit(expected[is_zero]))


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, 3.0, 4.0, -1.0, -2.0, -0.5])
def test_pow_of_a_known_exponent_is_the_general_one(exponent):
    x = spread("float32", per_exponent=8)
    (got,) = compute([Call("pow", ("float32", "float32"), "float32", last=exponent)], [x])
    with np.errstate(all="ignore"):
        expected = np.power(x.astype(np.float64), np.full(x.size, exponent))  # arrays: no short cuts of theirs
    error, where = worst(got, expected, x)
    assert error <= 2, where


def test_a_lane_alone_gives_what_vectors_give(numbers, computed):
    few = numbers[::61]
    calls = [alike(name, "float32") for name in FUNCTIONS]
    for name, got in zip(FUNCTIONS, compute(calls, [few], lanes=1), strict=True):
        np.testing.assert_array_equal(got.view(np.uint32), computed[name][::61].view(np.uint32), err_msg=name)
