"""The functions of double precision, against NumPy's of extended precision where the machine has it.

Bounds are the errors that docs/kernels-llvm-accuracy.md lists, rounded up; without fused multiply-add up to 0.4 units
more. Where extended precision is no more than double the oracle may itself be wrong by a unit.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from elementwise_kernels import alike, compute, pairs, special, spread, worst

from dovetail_kernels_llvm.codegen.isa import isa

FUNCTIONS = {
    "exp": (np.exp, 0.9),
    "exp2": (np.exp2, 0.9),
    "expm1": (np.expm1, 1.9),
    "log": (np.log, 0.9),
    "log1p": (np.log1p, 1.5),
    "log2": (np.log2, 1.2),
    "log10": (np.log10, 1.2),
    "sin": (np.sin, 0.8),
    "cos": (np.cos, 0.8),
    "tan": (np.tan, 1.0),
    "asin": (np.arcsin, 1.2),
    "acos": (np.arccos, 1.2),
    "atan": (np.arctan, 1.6),
    "sinh": (np.sinh, 1.7),
    "cosh": (np.cosh, 1.4),
    "tanh": (np.tanh, 1.4),
    "asinh": (np.arcsinh, 1.8),
    "acosh": (np.arccosh, 2.0),
    "atanh": (np.arctanh, 1.8),
    "sqrt": (np.sqrt, 0.51),
    "sigmoid": (lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x))), 1.7),
}
OF_TWO = {"pow": (np.power, 0.9), "atan2": (np.arctan2, 1.7), "hypot": (np.hypot, 1.2)}
SLACK = (0 if isa().fma else 0.4) + (0 if np.finfo(np.longdouble).nmant > 52 else 1)


@pytest.fixture(scope="module")
def numbers():
    return spread("float64", per_exponent=4)


@pytest.fixture(scope="module")
def computed(numbers):
    names = (*FUNCTIONS, "erf", "erfinv")
    return dict(zip(names, compute([alike(name, "float64") for name in names], [numbers]), strict=True))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_within_their_bounds(numbers, computed, name):
    function, bound = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        expected = function(numbers.astype(np.longdouble))
    error, where = worst(computed[name], expected, numbers)
    assert error <= bound + SLACK, where


def test_erf_agrees_with_the_library_of_c(numbers, computed):
    with np.errstate(invalid="ignore"):
        expected = np.vectorize(math.erf)(numbers)
    error, where = worst(computed["erf"], expected, numbers)
    assert error <= 3, where  # 2 of ours, 1 of theirs


def test_erfinv_inverts_erf(numbers, computed):
    inside = np.abs(numbers) < 1
    x, y = computed["erfinv"][inside], np.abs(numbers[inside])
    size = np.abs(x)
    complement = np.vectorize(math.erfc)(size) - (1 - y)
    missing = np.where(size < 0.5, y - np.vectorize(math.erf)(size), complement)
    # Rounding errors of erf and of AS 241, which claims one part in 10^16: a few units together.
    assert np.all(np.abs(missing * np.exp(size * size) * math.sqrt(math.pi) / 2) <= 8 * np.spacing(size))
    assert np.isnan(computed["erfinv"][np.abs(numbers) > 1]).all()


@pytest.mark.parametrize("name", OF_TWO)
def test_errors_of_functions_of_two_are_within_their_bounds(name):
    function, bound = OF_TWO[name]
    random = np.random.default_rng(1)
    x, y = pairs(special("float64"))
    drawn = random.permutation(spread("float64", per_exponent=4))
    x = np.concatenate([x, drawn, random.uniform(0, 3, 8192)])
    y = np.concatenate([y, random.permutation(drawn), random.uniform(-1000, 1000, 8192)])
    (got,) = compute([alike(name, "float64", 2)], [x, y])
    with np.errstate(all="ignore"):
        expected = function(x.astype(np.longdouble), y.astype(np.longdouble))
    error, where = worst(got, expected, x, y)
    assert error <= bound + SLACK, where
    is_zero = (got == 0) & (expected == 0)
    np.testing.assert_array_equal(np.signbit(got[is_zero]), np.signbit(expected[is_zero]))


def test_large_angles_are_reduced_by_all_the_bits_of_pi():
    # The double nearest to a multiple of π/2 (J.-M. Muller, Elementary Functions, 3rd edition, section 11.3) and
    # others; what their sines are was computed with 3000 bits.
    angles = np.array([6381956970095103.0 * 2.0**797, 1e22, 2.0**1023, np.finfo(np.float64).max])
    sine, cosine = compute([alike("sin", "float64"), alike("cos", "float64")], [angles])
    np.testing.assert_allclose(cosine[0], -4.6871659242546277e-19, rtol=2e-16)
    np.testing.assert_allclose(sine[1:], [-0.8522008497671888, 0.5631277798508840, 0.004961954789184062], rtol=2e-16)
