"""The checklist of the module guide, *Functions* (31-33), with real modules; docs/status.md maps the numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail_protocols.graph_json import from_json, to_json


class MySequentialModule(dt.Module):
    """The guide's: two dense layers, the forward pass traced."""

    def __init__(self) -> None:
        super().__init__()
        self.dense_1, self.dense_2 = dt.layers.Dense(3, activation="relu"), dt.layers.Dense(2)

    def eager(self, x: Any) -> Any:
        return self.dense_2(self.dense_1(x))

    @dt.function
    def __call__(self, x: Any) -> Any:
        return self.eager(x)


def test_31_a_decorated_call_gives_eager_results() -> None:
    model, x = MySequentialModule(), dt.constant([[2.0, 2.0, 2.0]])
    traced = model(x)
    assert len(model.variables) == 4, "the first call, though traced, has built the layers"
    np.testing.assert_allclose(traced.numpy(), model.eager(x).numpy(), rtol=1e-6)


def test_31_a_decorated_call_sees_variables_as_they_are_now() -> None:
    model, x = MySequentialModule(), dt.ones((1, 3))
    model(x)
    for variable in model.variables:
        variable.assign(dt.zeros_like(variable) + 1.0)
    assert model(x).tolist() == [[13.0, 13.0]]  # relu(3 + 1) three times, and the bias
    assert len(model.__call__.traces) == 1


def test_32_each_new_signature_makes_one_graph_and_rank_2_and_3_both_work() -> None:
    model = MySequentialModule()
    assert model(dt.constant([[2.0, 2.0, 2.0]])).shape == (1, 2)
    assert model(dt.constant([[[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]])).shape == (1, 2, 2)
    assert model(dt.constant([[9.0, 9.0, 9.0]])).shape == (1, 2)
    assert len(model.__call__.traces) == 2


def test_32_instances_have_graphs_of_their_own() -> None:
    first, second = MySequentialModule(), MySequentialModule()
    first(dt.ones((1, 3)))
    second(dt.ones((1, 4)))
    assert (len(first.__call__.traces), len(second.__call__.traces)) == (1, 1)


def test_33_the_graph_can_be_listed_and_exported_for_viewing() -> None:
    model, x = MySequentialModule(), dt.ones((1, 3))
    model(x)
    assert "(x: float32[1,3])" in str(model.__call__)
    graph = model.__call__.graph(x)
    assert str(graph).count("matmul") == 2
    document = to_json(graph)
    assert str(from_json(document)) == str(graph)
    assert "dovetail::matmul" in json.dumps(json.loads(document))


def test_a_training_step_over_a_module_is_one_graph() -> None:
    model, optimizer = MySequentialModule(), dt.optimizers.SGD(0.1)
    x, wanted = dt.ones((4, 3)), dt.zeros((4, 2))
    model(x)
    optimizer.build(model.trainable_variables)

    @dt.function
    def step() -> Any:
        with dt.GradientTape() as tape:
            loss = dt.mean((model.eager(x) - wanted) ** 2)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    losses = [float(step()) for _ in range(20)]
    assert losses[-1] < losses[0] / 2 or losses[0] == pytest.approx(0)
    assert len(step.traces) == 1
    assert int(optimizer.iterations) == 20
