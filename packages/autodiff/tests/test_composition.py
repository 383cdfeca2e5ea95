"""Transformations of transformations, eagerly and while tracing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad, hessian, jacobian, jvp, value_and_grad, vjp, vmap
from dovetail_protocols import operations as ops
from dovetail_protocols.graph import evaluate
from dovetail_protocols.tracing import trace
from dovetail_tensors import Variable, constant

POINT = np.array([0.3, -0.7, 1.1])


def wave(x: Any) -> Any:
    """Σ sin(x)·x², whose derivatives are known."""
    return ops.sum(ops.sin(x) * x * x)


def slope(x: np.ndarray) -> np.ndarray:
    return np.cos(x) * x**2 + 2 * x * np.sin(x)


def curvature(x: np.ndarray) -> np.ndarray:
    return -np.sin(x) * x**2 + 4 * x * np.cos(x) + 2 * np.sin(x)


def test_grad_of_grad() -> None:
    second = grad(lambda x: ops.sum(grad(wave)(x)))(constant(POINT))
    np.testing.assert_allclose(second.numpy(), curvature(POINT), rtol=1e-12)


def test_fifth_derivative_by_nesting() -> None:
    function: Any = ops.exp
    for _ in range(5):
        function = grad(function)
    np.testing.assert_allclose(float(function(constant(0.5, dtype="float64"))), np.exp(0.5), rtol=1e-12)


def test_inner_gradient_by_a_closure_of_the_outer_variable() -> None:
    """d/da of (d/db a·b² at b = a) = d/da 2a² = 4a: the two uses of one value must not be mixed up."""
    result = grad(lambda a: grad(lambda b: a * b * b)(a))(constant(3.0))
    assert float(result) == 12.0


def test_forward_within_forward_does_not_mix_tangents() -> None:
    """d/dx (x · d/dy (x + y)) = 1, not 2 (perturbation confusion). Source: Siskind and Pearlmutter, 2005."""

    def function(x: Any) -> Any:
        return x * jvp(lambda y: x + y, (1.0,), (1.0,))[1]

    assert float(jvp(function, (1.0,), (1.0,))[1]) == 1.0
    inner_at_outer = jvp(lambda x: jvp(lambda y: x * y * y, (x,), (constant(1.0),))[1], (3.0,), (1.0,))[1]
    assert float(inner_at_outer) == 12.0


def test_jvp_of_grad_and_grad_of_jvp_are_the_hessian_times_a_vector() -> None:
    x, direction = constant(POINT), constant(np.array([1.0, 2.0, -1.0]))
    expected = curvature(POINT) * direction.numpy()
    np.testing.assert_allclose(jvp(grad(wave), (x,), (direction,))[1].numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(grad(lambda x: jvp(wave, (x,), (direction,))[1])(x).numpy(), expected, rtol=1e-12)


def test_jvp_of_jvp() -> None:
    x, one = constant(POINT), constant(np.ones(3))
    _, second = jvp(lambda x: jvp(ops.exp, (x,), (one,))[1], (x,), (one,))
    np.testing.assert_allclose(second.numpy(), np.exp(POINT), rtol=1e-12)


def test_vmap_of_grad_gives_gradients_for_each_example() -> None:
    weights, inputs = constant(POINT), constant(np.random.default_rng(0).normal(size=(5, 3)))

    def loss(weights: Any, x: Any) -> Any:
        return ops.sin(ops.sum(weights * x))

    each = vmap(grad(loss), in_axes=(None, 0))(weights, inputs).numpy()
    expected = np.cos(inputs.numpy() @ POINT)[:, None] * inputs.numpy()
    np.testing.assert_allclose(each, expected, rtol=1e-12)


def test_grad_of_vmap() -> None:
    inputs = np.random.default_rng(0).normal(size=(5, 3))
    result = grad(lambda w: ops.sum(vmap(lambda x: ops.sin(ops.sum(w * x)))(constant(inputs))))(constant(POINT))
    np.testing.assert_allclose(result.numpy(), np.cos(inputs @ POINT) @ inputs, rtol=1e-12)


def test_vmap_of_jvp_and_jvp_of_vmap() -> None:
    x = constant(np.stack([POINT, 2 * POINT]))
    one = constant(np.ones((2, 3)))
    expected = slope(x.numpy()).sum(1)
    np.testing.assert_allclose(vmap(lambda x, t: jvp(wave, (x,), (t,))[1])(x, one).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(jvp(vmap(wave), (x,), (one,))[1].numpy(), expected, rtol=1e-12)


def test_grad_of_vmap_of_grad() -> None:
    x = constant(POINT)
    result = grad(lambda x: ops.sum(vmap(grad(lambda y: ops.sin(y) * y * y))(x)))(x)
    np.testing.assert_allclose(result.numpy(), curvature(POINT), rtol=1e-12)


def test_vmap_of_hessian_and_hessian_within_vmap_of_vmap() -> None:
    batch = np.stack([POINT, 2 * POINT])
    each = vmap(hessian(wave))(constant(batch)).numpy()
    np.testing.assert_allclose(each, np.stack([np.diag(curvature(x)) for x in batch]), rtol=1e-12, atol=1e-14)


def test_jacobian_of_jacobian_in_all_modes() -> None:
    x = constant(POINT)
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 6 * POINT
    for outer in ("reverse", "forward"):
        for inner in ("reverse", "forward"):
            result = jacobian(jacobian(lambda x: x * x * x, mode=inner), mode=outer)(x)
            np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-14)


def test_vjp_inside_grad() -> None:
    def function(x: Any) -> Any:
        _, pullback = vjp(lambda y: y * y * y, x)
        return ops.sum(pullback(x)[0])  # 3x³

    np.testing.assert_allclose(grad(function)(constant(POINT)).numpy(), 9 * POINT**2, rtol=1e-12)


# ---------------------------------------------------------------------- while tracing


def traced(function: Any, *arrays: Any) -> Any:
    """The function's results by way of its graph, and the graph."""
    result = trace(lambda *inputs: [function(*inputs)], [array.meta for array in arrays], name="traced")
    inputs = (*arrays, *result.captures, *(variable.read_value() for variable in result.variables))
    return evaluate(result.graph, inputs)[0], result.graph


@pytest.mark.parametrize(
    "transformed",
    [
        grad(wave),
        grad(lambda x: ops.sum(grad(wave)(x))),
        lambda x: jvp(wave, (x,), (x,))[1],
        lambda x: jvp(grad(wave), (x,), (x,))[1],
        vmap(lambda x: ops.sin(x) * x),
        vmap(grad(lambda x: ops.sin(x) * x)),
        hessian(wave),
        jacobian(lambda x: ops.sin(x) * x, mode="forward"),
    ],
    ids=["grad", "grad of grad", "jvp", "jvp of grad", "vmap", "vmap of grad", "hessian", "jacobian"],
)
def test_transformations_are_traced_whole(transformed: Any) -> None:
    x = constant(POINT)
    by_graph, graph = traced(transformed, x)
    assert len(graph.nodes) > 0
    np.testing.assert_allclose(by_graph.numpy(), transformed(x).numpy(), rtol=1e-12)
    other = constant(2 * POINT)
    np.testing.assert_allclose(evaluate(graph, (other,))[0].numpy(), transformed(other).numpy(), rtol=1e-12)


def test_the_gradient_of_a_variable_is_traced() -> None:
    variable = Variable(POINT)
    function = lambda x: grad(lambda v: ops.sum(x * v.read_value() * v.read_value()))(variable)  # noqa: E731
    by_graph, _ = traced(function, constant(POINT))
    np.testing.assert_allclose(by_graph.numpy(), 2 * POINT**2, rtol=1e-12)


def test_a_graph_is_differentiated_by_evaluating_it() -> None:
    graph = trace(lambda x: [wave(x)], [constant(POINT).meta], name="wave").graph
    function = lambda x: evaluate(graph, (x,))[0]  # noqa: E731
    np.testing.assert_allclose(grad(function)(constant(POINT)).numpy(), slope(POINT), rtol=1e-12)
    check_gradients(function, constant(POINT), order=2)
    np.testing.assert_allclose(
        vmap(function)(constant(np.stack([POINT, 2 * POINT]))).numpy(),
        [float(wave(constant(POINT))), float(wave(constant(2 * POINT)))],
    )


def test_value_and_grad_of_a_model_in_closed_form() -> None:
    """Linear regression: gradients of mean((x·w + b − y)²)."""
    rng = np.random.default_rng(1)
    x, y, w, b = rng.normal(size=(8, 3)), rng.normal(size=8), rng.normal(size=3), rng.normal()

    def loss(parameters: Any) -> Any:
        error = ops.matmul(constant(x), parameters["w"]) + parameters["b"] - constant(y)
        return ops.mean(error * error)

    value, gradients = value_and_grad(loss)({"w": constant(w), "b": constant(np.asarray(b))})
    error = x @ w + b - y
    np.testing.assert_allclose(float(value), (error**2).mean(), rtol=1e-12)
    np.testing.assert_allclose(gradients["w"].numpy(), 2 * error @ x / 8, rtol=1e-12)
    np.testing.assert_allclose(float(gradients["b"]), 2 * error.mean(), rtol=1e-12)
