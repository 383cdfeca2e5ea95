"""Derivatives of elementwise operations against central differences in float64, both modes, first and second order."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad
from dovetail_autodiff.extend import GRADIENTS, NOT_DIFFERENTIABLE
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider

ANYWHERE = (-1.7, -0.6, 0.3, 1.4)
POSITIVE = (0.2, 0.7, 1.3, 2.9)
INSIDE_ONE = (-0.8, -0.3, 0.4, 0.7)
BEYOND_ONE = (1.2, 1.9, 2.6, 3.3)

UNARY: dict[Any, tuple[float, ...]] = {
    **dict.fromkeys((ops.negative, ops.positive, ops.abs, ops.square, ops.reciprocal), ANYWHERE),
    **dict.fromkeys((ops.real, ops.conj), ANYWHERE),
    **dict.fromkeys((ops.sqrt, ops.rsqrt, ops.log, ops.log1p, ops.log2, ops.log10), POSITIVE),
    **dict.fromkeys((ops.exp, ops.expm1, ops.exp2, ops.erf), ANYWHERE),
    **dict.fromkeys((ops.sin, ops.cos, ops.tan, ops.atan), ANYWHERE),
    **dict.fromkeys((ops.sinh, ops.cosh, ops.tanh, ops.asinh), ANYWHERE),
    **dict.fromkeys((ops.asin, ops.acos, ops.atanh, ops.erfinv), INSIDE_ONE),
    ops.acosh: BEYOND_ONE,
    **dict.fromkeys((ops.relu, ops.leaky_relu, ops.elu, ops.selu, ops.celu, ops.gelu), ANYWHERE),
    **dict.fromkeys((ops.sigmoid, ops.silu, ops.softplus, ops.log_sigmoid, ops.softsign, ops.mish), ANYWHERE),
    **dict.fromkeys((ops.relu6, ops.hard_sigmoid, ops.hard_silu), (-3.5, -1.2, 0.4, 2.1, 5.5, 7.0)),
}
VARIANTS = [
    (partial(ops.leaky_relu, negative_slope=0.01), ANYWHERE),
    (partial(ops.elu, alpha=1.6), ANYWHERE),
    (partial(ops.celu, alpha=0.7), ANYWHERE),
    (partial(ops.gelu, approximate=True), ANYWHERE),
]
BINARY: dict[Any, tuple[tuple[float, ...], tuple[float, ...]]] = {
    **dict.fromkeys((ops.add, ops.subtract, ops.multiply, ops.maximum, ops.minimum), (ANYWHERE, POSITIVE)),
    **dict.fromkeys((ops.hypot, ops.logaddexp, ops.copysign), (ANYWHERE, POSITIVE)),
    **dict.fromkeys((ops.divide, ops.atan2), (ANYWHERE, POSITIVE)),
    ops.remainder: (ANYWHERE, (0.45, 1.1, 0.77, 3.0)),
    ops.pow: (POSITIVE, ANYWHERE),
}


def float64(values: Any) -> Any:
    return provider().convert(np.asarray(values, dtype=np.float64))


@pytest.mark.parametrize("operation", UNARY, ids=lambda op: op.short_name)
def test_unary_derivatives_of_two_orders_agree_with_differences(operation):
    check_gradients(operation, float64(UNARY[operation]), order=2)


@pytest.mark.parametrize(("function", "point"), VARIANTS, ids=lambda value: str(getattr(value, "keywords", "")))
def test_derivatives_follow_the_attributes(function, point):
    check_gradients(function, float64(point), order=2)


@pytest.mark.parametrize("operation", BINARY, ids=lambda op: op.short_name)
def test_binary_derivatives_of_two_orders_agree_with_differences(operation):
    check_gradients(operation, *map(float64, BINARY[operation]), order=2)


@pytest.mark.parametrize("operation", BINARY, ids=lambda op: op.short_name)
@pytest.mark.parametrize("shapes", [((), (3,)), ((2, 1), (3,)), ((2, 3), (1, 3)), ((1,), ())], ids=str)
def test_binary_derivatives_are_summed_over_broadcast_axes(operation, shapes):
    values = np.random.default_rng(0)
    first, second = (float64(values.uniform(0.3, 2.0, shape)) for shape in shapes)
    check_gradients(operation, first, second)


@pytest.mark.parametrize(
    "operation",
    [op for op in UNARY if "complex128" in op.operands[0].dtypes and op not in (ops.abs, ops.real)],
    ids=lambda op: op.short_name,
)
def test_holomorphic_derivatives_hold_for_complex_numbers(operation):
    point = provider().convert(np.array([0.3 + 0.4j, -0.6 + 0.2j, 0.5 - 0.7j]))
    check_gradients(operation, point)


@pytest.mark.parametrize("operation", [ops.abs, ops.real, ops.imag, ops.conj, ops.sign], ids=lambda op: op.short_name)
def test_parts_of_complex_numbers(operation):
    check_gradients(operation, provider().convert(np.array([0.3 + 0.4j, -0.6 + 0.2j, 0.5 - 0.7j])), order=2)


@pytest.mark.parametrize(
    "operation", [ops.add, ops.subtract, ops.multiply, ops.divide, ops.pow], ids=lambda op: op.short_name
)
def test_binary_derivatives_hold_for_complex_numbers(operation):
    first, second = np.array([0.3 + 0.4j, -0.6 + 0.2j]), np.array([1.1 - 0.3j, 0.4 + 0.9j])
    check_gradients(operation, provider().convert(first), provider().convert(second))


@pytest.mark.parametrize("bounds", [(-0.5, 0.9), (None, 0.9), (-0.5, None)])
def test_clip_derivatives(bounds):
    given = [None if bound is None else float64(bound) for bound in bounds]
    wanted = [bound for bound in given if bound is not None]

    def clip(x: Any, *bounds: Any) -> Any:
        remaining = list(bounds)
        return ops.clip(x, *(None if bound is None else remaining.pop(0) for bound in given))

    check_gradients(clip, float64(ANYWHERE), *wanted, order=2)


def test_clip_gives_the_gradient_to_the_upper_bound_where_the_bounds_cross():
    x, low, high = float64([0.0, 5.0]), float64(3.0), float64(1.0)
    gradients = grad(lambda x, low, high: ops.sum(ops.clip(x, low, high)), argnums=(0, 1, 2))(x, low, high)
    assert [gradient.numpy().tolist() for gradient in gradients] == [[0.0, 0.0], 0.0, 2.0]


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (ops.abs, 0.0, 0.0),
        (ops.relu, 0.0, 0.0),
        (ops.relu6, 0.0, 0.0),
        (ops.relu6, 6.0, 0.0),
        (ops.leaky_relu, 0.0, 0.2),
        (lambda x: ops.maximum(x, 1.0), 1.0, 0.5),
        (lambda x: ops.minimum(x, 1.0), 1.0, 0.5),
        (lambda x: ops.clip(x, 1.0, 2.0), 1.0, 1.0),
        (lambda x: ops.clip(x, 1.0, 2.0), 2.0, 1.0),
        (lambda x: ops.pow(x, 0.0), 0.0, 0.0),
        (lambda x: ops.pow(x, 2.0), 0.0, 0.0),
        (lambda x: ops.pow(x, 1.0), 0.0, 1.0),
        (ops.elu, 1000.0, 1.0),
        (ops.celu, 1000.0, 1.0),
        (ops.softplus, -1000.0, 0.0),
        (ops.log_sigmoid, -1000.0, 1.0),
        (ops.sigmoid, -1000.0, 0.0),
    ],
)
def test_the_derivative_at_kinks_and_extremes_is_the_documented_one(function, at, expected):
    assert grad(function)(float64(at)).numpy() == expected


def test_a_base_of_zero_gives_the_exponent_no_gradient():
    assert grad(lambda y: ops.pow(float64(0.0), y))(float64(2.0)).numpy() == 0.0


def test_the_mixed_derivative_of_a_power_holds_where_the_exponent_is_zero():
    """∂²(xʸ)/∂x∂y = 1/x at y = 0."""
    check_gradients(ops.pow, float64([0.5, 2.0]), float64([0.0, 0.0]), order=2)


def test_stop_gradient_makes_a_constant():
    x = float64(3.0)
    assert grad(lambda x: ops.stop_gradient(x) * x)(x).numpy() == 3.0


@pytest.mark.parametrize(
    "operation", [ops.floor, ops.ceil, ops.round, ops.trunc, ops.sign], ids=lambda op: op.short_name
)
def test_steps_have_gradient_zero(operation):
    assert grad(lambda x: ops.sum(operation(x)))(float64([0.3, 1.7])).numpy().tolist() == [0.0, 0.0]


def test_every_elementwise_operation_of_these_families_is_differentiated_or_explained():
    import dovetail_protocols.operations as standard

    families = ("arithmetic", "signs", "complex_numbers", "exponential", "trigonometric", "special", "rounding")
    families += ("comparison", "logical", "bitwise", "creation", "gradients")
    unexplained = [
        operation.short_name
        for operation in (getattr(standard, name) for name in standard.__all__)
        if operation.source_file in families
        and operation.is_primitive
        and operation not in GRADIENTS
        and operation not in NOT_DIFFERENTIABLE
    ]
    assert unexplained == []
