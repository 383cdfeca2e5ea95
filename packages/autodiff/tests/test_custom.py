"""custom_gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import GradientTape, custom_gradient, grad, jacobian, jvp, value_and_grad, vjp, vmap
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import SignatureError
from dovetail_protocols.graph import evaluate
from dovetail_protocols.tracing import trace
from dovetail_tensors import Variable, constant


@custom_gradient
def log1pexp(x: Any) -> Any:
    """TensorFlow's example: log(1 + eˣ), whose plain gradient is NaN for large x."""
    e = ops.exp(x)

    def grad_fn(upstream: Any) -> Any:
        return upstream * (1 - 1 / (1 + e))

    return ops.log(1 + e), grad_fn


@custom_gradient
def tenfold(x: Any) -> Any:
    """x, with ten times its gradient."""
    return x, lambda upstream: upstream * 10.0


def test_value_is_that_of_the_function() -> None:
    x = constant([0.0, 1.0])
    np.testing.assert_allclose(log1pexp(x).numpy(), np.log1p(np.exp([0.0, 1.0])), rtol=1e-6)


def test_the_gradient_is_the_functions_own() -> None:
    assert float(grad(log1pexp)(100.0)) == 1.0


def test_a_value_passed_through_is_told_apart_from_the_argument() -> None:
    assert float(grad(lambda x: tenfold(x) + x)(3.0)) == 11.0


def test_second_derivatives_go_through_what_grad_fn_closes_over() -> None:
    """The derivative of grad_fn: d/dx (1 − 1/(1 + eˣ)) = eˣ/(1 + eˣ)²."""
    x = constant(0.3, dtype="float64")
    e = np.exp(0.3)
    np.testing.assert_allclose(float(grad(grad(log1pexp))(x)), e / (1 + e) ** 2, rtol=1e-12)


def test_every_tape_around_it_uses_the_custom_gradient() -> None:
    x = constant(3.0)
    with GradientTape() as outer, GradientTape() as inner:
        outer.watch(x)
        inner.watch(x)
        value = tenfold(x)
    assert float(outer.gradient(value, x)) == 10.0
    assert float(inner.gradient(value, x)) == 10.0


def test_forward_mode_transposes_grad_fn() -> None:
    assert float(jvp(tenfold, (3.0,), (2.0,))[1]) == 20.0
    assert float(jvp(grad(lambda x: tenfold(x * x)), (3.0,), (1.0,))[1]) == 20.0


def test_several_arguments_results_and_containers() -> None:
    @custom_gradient
    def function(p: Any, y: Any) -> Any:
        def grad_fn(of_product: Any, of_sum: Any) -> Any:
            return {"x": of_product * 100.0 + of_sum}, None

        return {"product": p["x"] * y, "sum": p["x"] + y}, grad_fn

    value, pullback = vjp(function, {"x": constant(2.0)}, constant(3.0))
    assert [float(value["product"]), float(value["sum"])] == [6.0, 5.0]
    by_p, by_y = pullback({"product": constant(1.0), "sum": constant(5.0)})
    assert (float(by_p["x"]), float(by_y)) == (105.0, 0.0)


def test_keywords_and_other_values_are_passed_on() -> None:
    @custom_gradient
    def function(x: Any, how: str, *, factor: float) -> Any:
        assert how == "scaled"
        return x * factor, lambda upstream: (upstream * 7.0, None)

    assert float(grad(lambda x: function(x, "scaled", factor=2.0))(3.0)) == 7.0


def test_variables_that_it_reads_get_gradients_by_the_keyword() -> None:
    weight, bias = Variable(2.0, name="weight"), Variable(1.0, name="bias")

    @custom_gradient
    def linear(x: Any) -> Any:
        def grad_fn(upstream: Any, variables: Any = None) -> Any:
            assert [variable.name for variable in variables] == ["weight", "bias"]
            return upstream * 100.0, [upstream * 5.0, None]

        return x * weight.read_value() + bias.read_value(), grad_fn

    x = constant(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        value = linear(x)
    gradients = tape.gradient(value, [x, weight, bias])
    assert [None if g is None else float(g) for g in gradients] == [100.0, 5.0, None]


def test_a_variable_as_argument_is_an_argument() -> None:
    variable = Variable(3.0)

    @custom_gradient
    def function(v: Any) -> Any:
        return v.read_value() * 2.0, lambda upstream: upstream * 50.0

    with GradientTape() as tape:
        value = function(variable)
    assert float(tape.gradient(value, variable)) == 50.0


def test_closed_over_arrays_get_no_gradient() -> None:
    """As in TensorFlow: only arguments and variables do."""
    x, y = constant(2.0), constant(3.0)

    @custom_gradient
    def function(x: Any) -> Any:
        return x * y, lambda upstream: upstream * 50.0

    with GradientTape() as tape:
        tape.watch([x, y])
        value = function(x)
    found = tape.gradient(value, [x, y])
    assert float(found[0]) == 50.0
    assert found[1] is None


# ---------------------------------------------------------------------- batching and tracing


def test_vmap_of_grad_and_grad_of_vmap() -> None:
    x = constant(np.array([100.0, 0.3]))
    expected = 1 / (1 + np.exp(-x.numpy()))
    np.testing.assert_allclose(vmap(grad(log1pexp))(x).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(grad(lambda x: ops.sum(vmap(log1pexp)(x)))(x).numpy(), expected, rtol=1e-12)


def test_grad_of_vmap_sums_over_examples_for_a_shared_argument() -> None:
    @custom_gradient
    def function(x: Any, w: Any) -> Any:
        return x * w, lambda upstream: (upstream * w, upstream * x * 10.0)

    inputs = np.array([1.0, 2.0, 4.0])

    def total(w: Any) -> Any:
        return ops.sum(vmap(function, in_axes=(0, None))(constant(inputs), w))

    np.testing.assert_allclose(float(grad(total)(constant(np.asarray(3.0)))), 70.0)


def test_jacobian_batches_grad_fn() -> None:
    x = constant(np.array([1.0, 2.0]))
    np.testing.assert_allclose(jacobian(tenfold)(x).numpy(), 10 * np.eye(2))
    np.testing.assert_allclose(jacobian(tenfold, mode="forward")(x).numpy(), 10 * np.eye(2))


def test_a_traced_function_keeps_its_custom_gradient() -> None:
    """The graph holds grad_fn as a graph of its own, so that it survives the trace, and export."""
    x = constant(100.0)
    traced = trace(lambda x: [log1pexp(x) * 2.0], [x.meta], name="f")
    graph = traced.graph
    assert [node.operation for node in graph.nodes if node.operation is ops.custom_call]
    assert all(not callable(value) for node in graph.nodes for value in node.attributes.values())
    by_graph = grad(lambda x: evaluate(graph, (x, *traced.captures))[0])
    assert float(by_graph(x)) == 2.0
    np.testing.assert_allclose(vmap(by_graph)(constant([100.0, 0.0])).numpy(), [2, 1])


def test_the_gradient_is_traced_whole() -> None:
    x = constant(100.0)
    traced = trace(lambda x: list(value_and_grad(log1pexp)(x)), [x.meta], name="f")
    results = evaluate(traced.graph, (constant(0.0), *traced.captures))
    assert [float(result) for result in results] == pytest.approx([np.log(2), 0.5])


# ---------------------------------------------------------------------- refusals


def test_refuses_what_returns_no_pair() -> None:
    with pytest.raises(SignatureError, match=r"must return \(value, grad_fn\)"):
        custom_gradient(lambda x: x)(constant(1.0))


def test_refuses_a_wrong_number_of_gradients() -> None:
    function = custom_gradient(lambda x, y: (x * y, lambda upstream: upstream))
    with pytest.raises(SignatureError, match="one gradient for each array"):
        grad(function)(constant(1.0), constant(2.0))


def test_refuses_variables_that_grad_fn_does_not_take() -> None:
    variable = Variable(2.0, name="weight")
    function = custom_gradient(lambda x: (x * variable.read_value(), lambda upstream: upstream))
    with pytest.raises(SignatureError, match="'weight'"):
        grad(function)(constant(1.0))
