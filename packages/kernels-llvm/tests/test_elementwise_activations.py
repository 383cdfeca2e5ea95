"""Activation functions and other composites in their direct forms, against their formulas in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from elementwise_kernels import alike, bfloat16_bits, compute, special, wide

erf = np.vectorize(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


FORMULAS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": elu,
    "selu": lambda x: 1.0507009873554804934 * elu(x, 1.6732632423543772848),
    "celu": elu,
    "gelu": lambda x: x / 2 * (1 + erf(x / math.sqrt(2))),
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "log_sigmoid": lambda x: -softplus(-x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "mish": lambda x: x * np.tanh(softplus(x)),
}
ATTRIBUTES = {
    "leaky_relu": ({"negative_slope": 0.01}, lambda x: np.where(x > 0, x, 0.01 * x)),
    "elu": ({"alpha": 0.5}, lambda x: elu(x, 0.5)),
    "celu": ({"alpha": 2.0}, lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2))),
    "gelu": (
        {"approximate": True},
        lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
}


def inputs(dtype):
    random = np.random.default_rng(5)
    return np.concatenate([random.normal(0, 4, 4000), random.normal(0, 0.01, 500), [0.0, 30, -30, 100, -80]]).astype(
        dtype
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_follow_their_formulas(dtype):
    x = inputs(dtype)
    calls = [alike(name, dtype) for name in FORMULAS]
    calls += [alike(name, dtype, **attributes) for name, (attributes, _) in ATTRIBUTES.items()]
    formulas = [*FORMULAS.values(), *(formula for _, formula in ATTRIBUTES.values())]
    # 1 + erf, 1 + tanh and x + 3 lose what cancels, some 2 units of 1 before they are multiplied by x.
    eps = np.finfo(dtype).eps
    for call, formula, got in zip(calls, formulas, compute(calls, [x]), strict=True):
        with np.errstate(all="ignore"):
            expected = formula(x.astype(np.float64))
        np.testing.assert_allclose(
            got, expected, rtol=6 * eps, atol=2 * eps * np.abs(x).max() / 16, err_msg=call.operation
        )


def test_activations_take_special_numbers_as_their_formulas_do():
    x = special("float32")
    x = x[np.abs(np.where(np.isfinite(x), x, 0)) < 1e30]
    for name, got in zip(FORMULAS, compute([alike(name, "float32") for name in FORMULAS], [x]), strict=True):
        with np.errstate(all="ignore"):
            expected = FORMULAS[name](x.astype(np.float64)).astype(np.float32)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_computed_in_single_precision(dtype):
    single = inputs("float32")
    x = bfloat16_bits(single) if dtype == "bfloat16" else single.astype(np.float16)
    names = ("gelu", "silu", "softplus", "tanh", "exp", "sigmoid", "erf")
    functions = (*(FORMULAS[name] for name in names[:3]), np.tanh, np.exp, sigmoid, erf)
    precision = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    for name, function, got in zip(names, functions, compute([alike(name, dtype) for name in names], [x]), strict=True):
        with np.errstate(all="ignore"):
            expected = function(wide(dtype, x).astype(np.float64)).astype(np.float32)
            expected = wide(dtype, bfloat16_bits(expected) if dtype == "bfloat16" else expected.astype(np.float16))
        # A unit where single precision rounds to the other side; 1 + erf is a multiple of 2^-24, and x is below 128.
        np.testing.assert_allclose(wide(dtype, got), expected, rtol=2 * precision, atol=2.0**-17, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_clip_takes_two_bounds(dtype):
    x, low, high = np.random.default_rng(6).integers(0, 100, (3, 200)).astype(dtype)
    (got,) = compute([alike("clip", dtype, 3)], [x, low, high])
    np.testing.assert_array_equal(got, np.minimum(np.maximum(x, low), high))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logaddexp_does_not_overflow(dtype):
    x = np.concatenate([inputs(dtype), np.array([1e30, -np.inf, np.inf, np.nan, 700, -np.inf], dtype)])
    y = np.concatenate([inputs(dtype)[::-1], np.array([1e30, -np.inf, -np.inf, 0, 700, 5], dtype)])
    (got,) = compute([alike("logaddexp", dtype, 2)], [x, y])
    with np.errstate(all="ignore"):
        expected = np.logaddexp(x.astype(np.longdouble), y.astype(np.longdouble)).astype(dtype)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(got, expected, rtol=3 * eps, atol=2 * eps)
