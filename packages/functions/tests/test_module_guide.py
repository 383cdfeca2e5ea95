"""checklists.md, guide to modules, *Functions*: one test for each line, named for it."""

from __future__ import annotations

from typing import Any

import numpy as np

import dovetail_tensors as dt
from dovetail_functions import (
    function,
)
from dovetail_protocols import operations as ops


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    return dt.constant(np.ones(shape, dtype))


class Deferred:
    """A layer that makes its variable on its first call."""

    def __init__(self) -> None:
        self.weight: Any = None
        self.traced = 0

    @function
    def __call__(self, x: Any) -> Any:
        self.traced += 1
        if self.weight is None:
            self.weight = dt.Variable(np.full((x.shape[-1], 2), 3.0, np.float32))
        return x @ self.weight.read_value()


def test_a_decorated_call_gives_eager_results() -> None:
    class Dense:
        def __init__(self) -> None:
            self.weight = dt.Variable(np.arange(6, dtype=np.float32).reshape(3, 2))

        def eager(self, x: Any) -> Any:
            return ops.tanh(x @ self.weight.read_value())

        __call__ = function(eager)

    layer, x = Dense(), dt.constant(np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3))
    np.testing.assert_array_equal(np.asarray(layer(x)), np.asarray(layer.eager(x)))


def test_each_new_signature_makes_one_graph_and_rank_2_and_3_both_work() -> None:
    layer = Deferred()
    assert layer(ones(5, 4)).shape == (5, 2)
    assert layer(ones(2, 5, 4)).shape == (2, 5, 2)
    assert len(layer.__call__.traces) == 2  # type: ignore[attr-defined] # a Function


def test_graphs_can_be_listed_and_viewed() -> None:
    layer = Deferred()
    layer(ones(5, 4))
    assert "(x: float32[5,4])" in str(layer.__call__)
    assert "matmul" in str(layer.__call__.graph(ones(5, 4)))  # type: ignore[attr-defined] # a Function
