"""rematerialise: the same numbers, computed again in the backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_autodiff import check_gradients, grad, jvp, rematerialise, value_and_grad, vmap
from dovetail_autodiff.tape import Tape
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.graph import evaluate
from dovetail_protocols.tracing import trace
from dovetail_tensors import Variable, constant

POINT = np.array([0.3, -0.7, 1.1])


def block(x: Any) -> Any:
    for _ in range(3):
        x = ops.sin(x) * x
    return x


def test_value_and_gradient_are_unchanged() -> None:
    plain = value_and_grad(lambda x: ops.sum(block(x)))(constant(POINT))
    again = value_and_grad(lambda x: ops.sum(rematerialise(block)(x)))(constant(POINT))
    np.testing.assert_allclose(float(again[0]), float(plain[0]), rtol=1e-15)
    np.testing.assert_allclose(again[1].numpy(), plain[1].numpy(), rtol=1e-14)


def test_a_tape_keeps_one_record_instead_of_many() -> None:
    def records(function: Any) -> int:
        tape, x = Tape(None), constant(POINT)
        tape.watch(x)
        with interpreting(tape):
            function(x)
        return len(tape.records)

    assert records(block) == 6
    assert records(rematerialise(block)) == 1


def test_derivatives_of_every_kind() -> None:
    check_gradients(rematerialise(block), constant(POINT), order=2)


def test_closed_over_arrays_and_variables_get_gradients() -> None:
    weight = Variable(2.0)

    def function(x: Any, y: Any, v: Any) -> Any:
        return rematerialise(lambda x: x * y * v.read_value())(x)

    gradients = grad(function, argnums=(0, 1, 2))(constant(3.0), constant(5.0), weight)
    assert [float(gradient) for gradient in gradients] == [10.0, 6.0, 15.0]


def test_variables_that_it_assigns_are_assigned_once() -> None:
    counter = Variable(0.0, trainable=False)

    @rematerialise
    def function(x: Any) -> Any:
        counter.assign(counter.read_value() + 1.0)
        return x * x * counter.read_value()

    assert float(grad(function)(3.0)) == 6.0
    assert float(counter.read_value()) == 1.0


def test_containers_keywords_integers_and_other_values() -> None:
    @rematerialise
    def function(p: Any, how: str, *, factor: Any) -> Any:
        assert how == "taken"
        return {"y": ops.take(p["x"], p["places"], axis=0) * factor}

    def loss(x: Any) -> Any:
        places = constant([2, 0])
        return ops.sum(function({"x": x, "places": places}, "taken", factor=constant(np.array([1.0, 10.0])))["y"])

    np.testing.assert_allclose(grad(loss)(constant(POINT)).numpy(), [10.0, 0.0, 1.0])


def test_without_a_tape_it_just_runs() -> None:
    np.testing.assert_allclose(rematerialise(block)(constant(POINT)).numpy(), block(constant(POINT)).numpy())


def test_vmap_and_tracing() -> None:
    batch = constant(np.stack([POINT, 2 * POINT]))
    loss = lambda x: ops.sum(rematerialise(block)(x))  # noqa: E731
    plain = lambda x: ops.sum(block(x))  # noqa: E731
    expected = vmap(grad(plain))(batch).numpy()
    np.testing.assert_allclose(vmap(grad(loss))(batch).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(grad(lambda x: ops.sum(vmap(loss)(x)))(batch).numpy(), expected, rtol=1e-12)
    graph = trace(lambda x: [grad(loss)(x)], [constant(POINT).meta], name="g").graph
    np.testing.assert_allclose(evaluate(graph, (constant(POINT),))[0].numpy(), expected[0], rtol=1e-12)


def test_batching_keeps_it_one_record() -> None:
    tape, x = Tape(None), constant(np.stack([POINT, 2 * POINT]))
    tape.watch(x)
    with interpreting(tape):
        vmap(rematerialise(block))(x)
    assert [record[0] for record in tape.records] == [ops.rematerialised_call]


def test_forward_mode() -> None:
    x, direction = constant(POINT), constant(np.array([1.0, 2.0, -1.0]))
    _, expected = jvp(block, (x,), (direction,))
    np.testing.assert_allclose(jvp(rematerialise(block), (x,), (direction,))[1].numpy(), expected.numpy(), rtol=1e-14)
