"""Gradients flow through functions and inside of them; both give what eager evaluation gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dovetail_autodiff as ad
import dovetail_tensors as dt
from dovetail_functions import TensorSpec, cond, function, scan, while_loop
from dovetail_protocols import operations as ops
from dovetail_protocols.graph_validation import validate

VALUES = np.linspace(-1.0, 2.0, 6, dtype=np.float32).reshape(2, 3)


def curve(x: Any) -> Any:
    return ops.sum(ops.tanh(x) * x * x)


def derivative_of_curve(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return 2 * x * np.tanh(x) + x**2 * (1 - np.tanh(x) ** 2)


def test_gradients_flow_through_a_function(counting: Any) -> None:
    traced, traces = counting(curve)
    for _ in range(2):
        gradient = ad.grad(traced)(dt.constant(VALUES))
        np.testing.assert_allclose(np.asarray(gradient), derivative_of_curve(VALUES), rtol=1e-5, atol=1e-6)
    assert len(traces) == 1


def test_gradients_inside_a_function() -> None:
    gradient = function(lambda x: ad.grad(curve)(x))
    expected = derivative_of_curve(VALUES)
    np.testing.assert_allclose(np.asarray(gradient(VALUES)), expected, rtol=1e-5, atol=1e-6)


def test_second_derivatives_through_and_inside() -> None:
    cube = function(lambda x: x * x * x)
    inside = function(lambda x: ad.grad(ad.grad(lambda y: y * y * y))(x))
    for second in (ad.grad(ad.grad(cube)), inside, function(ad.grad(function(ad.grad(cube))))):
        assert float(second(dt.constant(2.0))) == pytest.approx(12.0)


def test_a_tape_around_a_function_watches_its_variables_and_closures() -> None:
    weight, still = dt.Variable(3.0), dt.Variable(5.0, trainable=False)
    closed_over = dt.constant(7.0)

    @function
    def affine(x: Any) -> Any:
        return weight.read_value() * x + still.read_value() * closed_over

    with ad.GradientTape(persistent=True) as tape:
        tape.watch(closed_over)
        result = affine(dt.constant(2.0))
    assert float(tape.gradient(result, weight)) == 2.0
    assert tape.gradient(result, still) is None
    assert float(tape.gradient(result, closed_over)) == 5.0


def test_a_tape_inside_a_function() -> None:
    weight = dt.Variable(3.0)

    @function
    def step(x: Any) -> Any:
        with ad.GradientTape() as tape:
            loss = (weight.read_value() * x) ** 2
        gradient = tape.gradient(loss, weight)
        weight.assign(weight.read_value() - 0.5 * gradient)
        return loss

    assert float(step(dt.constant(1.0))) == 9.0
    assert float(weight.read_value()) == 0.0
    assert float(step(dt.constant(1.0))) == 0.0


def test_nested_functions_differentiate_with_respect_to_an_outer_value() -> None:
    @function
    def outer(x: Any) -> Any:
        @function
        def inner(y: Any) -> Any:
            return x * y  # x is a symbol of the outer trace

        return ad.grad(lambda z: inner(z) * x)(x * 2.0)

    assert float(outer(dt.constant(3.0))) == 9.0
    assert float(outer(dt.constant(4.0))) == 16.0


def test_only_the_branch_taken_gets_a_gradient() -> None:
    pick = function(lambda x, y: cond(x > 0, lambda: x * 2.0, lambda: y * 3.0))
    for derivative in (ad.grad(pick, (0, 1)), function(ad.grad(pick, (0, 1)))):
        assert [float(g) for g in derivative(dt.constant(1.0), dt.constant(1.0))] == [2.0, 0.0]
        assert [float(g) for g in derivative(dt.constant(-1.0), dt.constant(1.0))] == [0.0, 3.0]


def test_gradients_of_scans_and_bounded_loops_inside_a_function() -> None:
    def product(x: Any) -> Any:
        return scan(lambda carry, one: (carry * one, None), dt.constant(1.0), x)[0]

    def power(x: Any) -> Any:
        return while_loop(
            lambda i, r: i < 3, lambda i, r: (i + 1, r * x), (dt.constant(0), dt.constant(1.0)), maximum_iterations=4
        )[1]

    values = dt.constant([2.0, 3.0, 5.0])
    for derivative in (ad.grad(product), function(ad.grad(product)), ad.grad(function(product))):
        np.testing.assert_allclose(np.asarray(derivative(values)), [15.0, 10.0, 6.0])
    for derivative in (ad.grad(power), function(ad.grad(power))):
        assert float(derivative(dt.constant(2.0))) == 12.0


def test_vmap_of_a_function_and_a_function_of_vmap() -> None:
    per_row = function(lambda x: ops.sum(x * x))
    for batched in (ad.vmap(per_row), function(ad.vmap(per_row)), ad.vmap(ad.grad(per_row))):
        result = np.asarray(batched(dt.constant(VALUES)))
        expected = 2 * VALUES if result.ndim == 2 else (VALUES**2).sum(axis=1)
        np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_training_with_an_unknown_batch_size_uses_one_trace() -> None:
    weight = dt.Variable(np.zeros((3,), np.float32))

    @function(input_signature=[TensorSpec([None, 3])])
    def step(x: Any) -> Any:
        loss, gradient = ad.value_and_grad(lambda w: ops.mean((x @ w - 1.0) ** 2))(weight.read_value())
        weight.assign(weight.read_value() - 0.1 * gradient)
        return loss

    reference = np.zeros(3, np.float32)
    for rows in (4, 9, 5):
        x = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
        error = x @ reference - 1.0
        assert float(step(x)) == pytest.approx(float((error**2).mean()), rel=1e-5)
        reference = reference - 0.1 * 2 * x.T @ error / rows
        np.testing.assert_allclose(np.asarray(weight.read_value()), reference, rtol=1e-4, atol=1e-6)
    assert step.tracing_count == 1


def test_what_is_rematerialised_is_computed_twice_and_not_shared() -> None:
    block = ad.rematerialise(lambda x: ops.tanh(x) * x)
    kept = function(ad.value_and_grad(lambda x: ops.sum(ops.tanh(x) * x)))
    again = function(ad.value_and_grad(lambda x: ops.sum(block(x))))
    for one, other in zip(kept(VALUES), again(VALUES), strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-6)
    counts = [[p.operation for p in f.explain(VALUES).placements].count("tanh") for f in (kept, again)]
    assert counts == [1, 2]


def test_the_graphs_of_a_training_step_are_valid_before_and_after_simplification() -> None:
    weight, bias = dt.Variable(np.ones((3, 2), np.float32)), dt.Variable(np.zeros(2, np.float32))

    @function
    def step(x: Any) -> Any:
        with ad.GradientTape() as tape:
            loss = ops.mean(ops.softmax(x @ weight.read_value() + bias.read_value()) ** 2)
        for variable, gradient in zip((weight, bias), tape.gradient(loss, [weight, bias]), strict=True):
            variable.assign(variable.read_value() - 0.1 * gradient)
        return loss

    step(VALUES)
    validate(step.traces[0].graph)
    validate(step.graph(VALUES))
    assert len(step.graph(VALUES).nodes) < len(step.traces[0].graph.nodes)
