"""Derivatives of reductions, running sums and the softmax family against central differences in float64."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad, hessian
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider

AXES = [{}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (2, 0)}, {"axis": (0, 1, 2), "keepdims": True}]
REDUCTIONS = (ops.sum, ops.prod, ops.mean, ops.max, ops.min, ops.var, ops.std, ops.logsumexp)


def float64(values: Any) -> Any:
    return provider().convert(np.asarray(values, dtype=np.float64))


def some(*shape: int) -> Any:
    """Numbers that are at least 0.01 apart, so that differences don't cross from one maximum to another."""
    size = int(np.prod(shape))
    return float64(np.random.default_rng(1).permutation(np.linspace(-1.5, 1.7, size)).reshape(shape))


@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize("operation", REDUCTIONS, ids=lambda op: op.short_name)
def test_reductions_agree_with_differences(operation, axes):
    check_gradients(partial(operation, **axes), some(2, 3, 2))


@pytest.mark.parametrize("operation", REDUCTIONS, ids=lambda op: op.short_name)
def test_reductions_agree_with_differences_in_second_order(operation):
    check_gradients(partial(operation, axis=-1), some(2, 3), order=2)


@pytest.mark.parametrize("operation", [ops.var, ops.std], ids=lambda op: op.short_name)
def test_the_correction_enters_the_derivative(operation):
    check_gradients(partial(operation, axis=0, correction=1.5), some(4, 2))


@pytest.mark.parametrize("operation", REDUCTIONS, ids=lambda op: op.short_name)
def test_a_single_number_reduces_to_itself_or_a_constant(operation):
    expected = {"var": 0.0, "std": None}.get(operation.short_name, 1.0)
    if expected is not None:
        assert grad(operation)(float64(3.0)).numpy() == expected


@pytest.mark.parametrize("operation", [ops.max, ops.min], ids=lambda op: op.short_name)
def test_equal_extremes_share_the_gradient(operation):
    x = float64([[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]])
    gradient = grad(lambda x: ops.sum(operation(x, axis=1)))(x)
    np.testing.assert_allclose(gradient.numpy(), np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("zeros", [(), (1,), (0, 2)])
def test_the_gradient_of_a_product_is_finite_beside_zeros(zeros):
    x = np.array([0.7, -1.2, 0.4, 1.9])
    x[list(zeros)] = 0.0
    check_gradients(ops.prod, float64(x), order=2)


@pytest.mark.parametrize("attributes", [{}, {"axis": 1}, {"axis": -3}, {"axis": 1, "include_initial": True}], ids=str)
@pytest.mark.parametrize("operation", [ops.cumulative_sum, ops.cumulative_prod], ids=lambda op: op.short_name)
def test_running_totals_agree_with_differences(operation, attributes):
    x = some(2, 3, 2) if attributes else some(4)
    check_gradients(partial(operation, **attributes), x, order=2)


def test_the_gradient_of_a_running_product_is_finite_beside_zeros():
    check_gradients(ops.cumulative_prod, float64([0.7, 0.0, 1.3, 0.0, 0.4]), order=2)


@pytest.mark.parametrize("operation", [ops.tril, ops.triu], ids=lambda op: op.short_name)
@pytest.mark.parametrize("k", [-1, 0, 2])
def test_triangles(operation, k):
    check_gradients(partial(operation, k=k), some(2, 3, 3))


@pytest.mark.parametrize("attributes", [{}, {"axis": 0}, {"n": 2}], ids=str)
def test_differences_of_neighbours(attributes):
    check_gradients(partial(ops.diff, **attributes), some(3, 4))


def test_differences_with_what_is_joined_to_the_ends():
    check_gradients(partial(ops.diff, axis=1), some(2, 3), some(2, 1), some(2, 2))


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("operation", [ops.softmax, ops.log_softmax], ids=lambda op: op.short_name)
def test_softmax_agrees_with_differences_in_second_order(operation, axis):
    check_gradients(partial(operation, axis=axis), some(2, 3), order=2)


@pytest.mark.parametrize("operation", [ops.softmax, ops.log_softmax, ops.logsumexp], ids=lambda op: op.short_name)
def test_the_decomposition_has_the_derivatives_of_the_rule(operation):
    """stop_gradient in the decomposition must be right for every order."""
    attributes = {"axis": -1, "keepdims": True} if operation is ops.logsumexp else {"axis": -1}
    check_gradients(lambda x: operation.decompose(x, **attributes), some(2, 3), order=2)


def test_the_hessian_of_logsumexp_is_the_covariance_of_softmax():
    x = some(4)
    p = np.exp(x.numpy()) / np.exp(x.numpy()).sum()
    np.testing.assert_allclose(hessian(ops.logsumexp)(x).numpy(), np.diag(p) - np.outer(p, p), atol=1e-14)


def test_softmax_of_large_scores_has_finite_gradients():
    x = float64([1e4, 0.0, -1e4])
    for operation in (ops.softmax, ops.log_softmax):
        gradient = grad(lambda x, operation=operation: ops.sum(operation(x) * float64([1.0, 2.0, 3.0])))(x)
        assert np.isfinite(gradient.numpy()).all()
