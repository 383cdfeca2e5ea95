"""What the planner makes of graphs: what runs together, what moves, what is overwritten, how much memory it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_llvm.claiming import claims
from dovetail_kernels_llvm.planning.expansion import refusal
from dovetail_kernels_llvm.planning.plan import plan
from dovetail_kernels_llvm.runtime.executable import Executable
from dovetail_kernels_llvm.runtime.schedule import Schedule, launches_of
from dovetail_protocols import TensorMeta, dtypes, trace
from dovetail_protocols import operations as ops
from dovetail_protocols.graph import Graph, State
from dovetail_protocols.records import replace


def graph_of(function: Callable[..., Sequence[Any]], *shapes: tuple[int, ...], dtype: Any = dtypes.float32) -> Graph:
    """A function of arrays of some shapes as a graph, its captured numbers as constants."""
    from dovetail_protocols.graph import Constant

    traced = trace(function, [TensorMeta(shape, dtype) for shape in shapes])
    graph, count = traced.graph, len(shapes)
    constants = tuple(
        Constant(value, array) for value, array in zip(graph.inputs[count:], traced.captures, strict=True)
    )
    return replace(graph, inputs=graph.inputs[:count], constants=constants)


def kernels(schedule: Schedule) -> list[str]:
    """What each launch computes."""
    return [launch.kernel.what for launch in launches_of(schedule.steps)]


def arrays(graph: Graph) -> list[Any]:
    random = np.random.default_rng(0)
    return [random.normal(size=value.meta.shape).astype(value.meta.dtype.name) for value in graph.inputs]


def test_a_dense_layer_is_one_kernel() -> None:
    graph = graph_of(lambda x, w, b: [ops.relu(ops.matmul(x, w) + b)], (32, 64), (64, 48), (48,))
    assert len(kernels(plan(graph))) == 1


def test_softmax_with_its_gradient_is_one_kernel() -> None:
    def body(x: Any, cotangent: Any) -> list[Any]:
        y = ops.softmax(x)
        return [y, y * (cotangent - ops.sum(cotangent * y, axis=-1, keepdims=True))]

    assert len(kernels(plan(graph_of(body, (64, 100), (64, 100))))) == 1


def test_a_layer_norm_is_one_kernel_and_its_sums_over_rows_one_more() -> None:
    def body(x: Any, scale: Any, offset: Any, cotangent: Any) -> list[Any]:
        y = ops.layer_normalization(x, scale, offset)
        return [y, *ops.layer_normalization_gradient(cotangent, x, scale)]

    assert len(kernels(plan(graph_of(body, (512, 128), (128,), (128,), (512, 128))))) <= 3


def test_an_update_is_part_of_the_product_that_gives_its_gradient() -> None:
    def body(x: Any, cotangent: Any, w: Any, rate: Any) -> list[Any]:
        return [ops.sgd_update(w, ops.matmul(ops.matrix_transpose(x), cotangent), rate)]

    graph = graph_of(body, (16, 40), (16, 24), (40, 24), ())
    graph = replace(graph, states=(State("w", 2, 0),))
    schedule = plan(graph, donated={2})
    assert len(kernels(schedule)) == 1
    assert schedule.in_place == {0: 2}
    x, cotangent, w, rate = arrays(graph)
    wanted = w - rate * (x.T @ cotangent)
    (result,) = Executable(schedule)(x, cotangent, w, rate)
    assert result is w
    np.testing.assert_allclose(w, wanted, rtol=1e-5, atol=1e-5)


def test_a_value_is_not_overwritten_while_somebody_needs_it() -> None:
    """The new weight is computed first in the graph, but the product still takes the old one."""

    def body(w: Any, x: Any) -> list[Any]:
        new = w * 0.5
        return [new, ops.matmul(x, w), ops.matmul(x, new)]

    graph = replace(graph_of(body, (8, 8), (4, 8)), states=(State("w", 0, 0),))
    w, x = arrays(graph)
    old = w.copy()
    new, with_old, with_new = Executable(plan(graph, donated={0}))(w, x)
    np.testing.assert_array_equal(new, old * np.float32(0.5))
    np.testing.assert_allclose(with_old, x @ old, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(with_new, x @ new, rtol=1e-5, atol=1e-5)


def test_states_that_change_places_keep_their_values() -> None:
    graph = graph_of(lambda a, b: [b + 0.0, a * 1.0], (5,), (5,))
    graph = replace(graph, states=(State("a", 0, 0), State("b", 1, 1)))
    a, b = arrays(graph)
    first, second = a.copy(), b.copy()
    new_a, new_b = Executable(plan(graph, donated={0, 1}))(a, b)
    np.testing.assert_array_equal(new_a, second)
    np.testing.assert_array_equal(new_b, first)


def test_views_cost_nothing() -> None:
    def body(x: Any) -> list[Any]:
        parts = ops.permute_dims(ops.reshape(x, shape=(4, 6, 2, 8)), axes=(2, 0, 1, 3))
        return [ops.matmul(parts[0], ops.matrix_transpose(parts[1]))]

    assert [what.partition(" ")[0] for what in kernels(plan(graph_of(body, (4, 6, 16))))] == ["matmul"]


def test_parts_are_written_where_they_are_put_together() -> None:
    graph = graph_of(lambda x, y: [ops.concat(ops.tanh(x), ops.exp(y), axis=1)], (6, 8), (6, 4))
    schedule = plan(graph)
    assert not any(what.startswith("copy") for what in kernels(schedule))
    x, y = arrays(graph)
    np.testing.assert_allclose(
        Executable(schedule)(x, y)[0], np.concatenate([np.tanh(x), np.exp(y)], 1), rtol=1e-5, atol=1e-6
    )


def test_gradients_of_slices_are_put_together_without_sums() -> None:
    def body(x: Any, y: Any) -> list[Any]:
        first = ops.scatter_slice(ops.exp(x), shape=(2, 9), starts=(0,), stops=(1,))
        second = ops.scatter_slice(ops.tanh(y), shape=(2, 9), starts=(1,), stops=(2,))
        return [first + second]

    graph = graph_of(body, (1, 9), (1, 9))
    schedule = plan(graph)
    assert not any("fill" in what or "add" in what for what in kernels(schedule))
    x, y = arrays(graph)
    np.testing.assert_allclose(
        Executable(schedule)(x, y)[0], np.concatenate([np.exp(x), np.tanh(y)]), rtol=1e-5, atol=1e-6
    )


def test_temporaries_that_do_not_live_together_share_memory() -> None:
    def body(x: Any, w: Any) -> list[Any]:
        for _ in range(6):
            x = ops.matmul(x, w)
        return [x]

    one = 256 * 256 * 4
    assert plan(graph_of(body, (256, 256), (256, 256))).arena_bytes <= 4 * one


def test_equal_layers_share_their_kernels() -> None:
    def body(x: Any, *weights: Any) -> list[Any]:
        for weight in weights:
            x = ops.relu(ops.matmul(x, weight))
        return [x]

    schedule = plan(graph_of(body, (32, 32), *[(32, 32)] * 5))
    assert len({launch.kernel.text for launch in launches_of(schedule.steps)}) <= 2


def test_numbers_of_either_sign_are_not_confused() -> None:
    for number in (0.0, -0.0):
        graph = graph_of(lambda x, number=number: [x / ops.full(shape=(2,), fill_value=number, dtype=x.dtype)], (2,))
        with np.errstate(divide="ignore"):
            wanted = np.ones(2, np.float32) / np.float32(number)
        np.testing.assert_array_equal(Executable(plan(graph))(np.ones(2, np.float32))[0], wanted)


def test_an_output_that_is_an_input_is_handed_on() -> None:
    graph = graph_of(lambda x: [x, x + 1.0], (3,))
    x = np.arange(3, dtype=np.float32)
    same, more = Executable(plan(graph))(x)
    assert same is x
    np.testing.assert_array_equal(more, x + 1)


def test_claims_are_convex_where_something_is_not_taken() -> None:
    """A complex product in between splits the graph in two parts."""

    def body(x: Any) -> list[Any]:
        y = ops.tanh(x)
        middle = ops.real(ops.cast(y, dtype=dtypes.complex64) * 2.0)
        return [ops.exp(middle) + y]

    graph = graph_of(body, (4,))
    found = claims(graph)
    assert len(found) == 2
    names = [{graph.nodes[place].operation.short_name for place in claim.nodes} for claim in found]
    assert names[0] == {"tanh"}
    assert names[1] == {"exp", "add"}
    assert all("complex" in reason or "code" in reason for _, reason in found[0].refused)


@pytest.mark.parametrize("name", ["nonzero", "print"])
def test_what_has_no_code_is_left_with_a_reason(name: str) -> None:
    from dovetail_protocols.registry import find_operation

    operation = find_operation(f"dovetail::{name}")
    meta = TensorMeta((3,), dtypes.float32)
    from dovetail_protocols.graph import Node, Value

    assert refusal(Node(operation, (Value(0, meta),), (Value(1, meta),), {}))
