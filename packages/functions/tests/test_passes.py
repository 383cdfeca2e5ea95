"""Graph passes: valid graphs in, valid graphs out, the same numbers bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dovetail_tensors as dt
from dovetail_functions import cond, function
from dovetail_functions.passes.chains import holds
from dovetail_functions.passes.constant_folding import fold_constants
from dovetail_functions.passes.dead_code import remove_dead_code
from dovetail_functions.passes.pipeline import PASSES, simplify, simplify_algebra
from dovetail_functions.passes.sharing import share_common_subexpressions
from dovetail_protocols import dtypes as dtypes_module
from dovetail_protocols import operations as ops
from dovetail_protocols.graph import Constant, Graph, evaluate
from dovetail_protocols.graph_validation import validate
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.tracing import trace

F32 = TensorMeta((2, 3), dtypes_module.float32)
SPECIAL = np.array([[0.0, -0.0, np.nan], [np.inf, -np.inf, 1.5]], np.float32)


def graph_of(body: Any, *metas: TensorMeta) -> Graph:
    """The graph of a function of arrays, with what it closes over as constants."""
    traced = trace(body, metas)
    inputs = traced.graph.inputs
    captured = zip(inputs[len(metas) :], traced.captures, strict=True)
    constants = tuple(Constant(value, array) for value, array in captured)
    return traced.graph.replace(inputs=inputs[: len(metas)], constants=constants)  # type: ignore[attr-defined,no-any-return] # a record


def names(graph: Graph) -> list[str]:
    return [node.operation.short_name for node in graph.nodes]


def same_bits(first: Graph, second: Graph, *arrays: Any) -> None:
    """Both graphs are valid and give the same bits."""
    validate(second)
    operands = tuple(dt.constant(array) for array in arrays)
    with np.errstate(all="ignore"):  # add, subtract and multiply warn of what the drawn numbers give
        results = zip(evaluate(first, operands), evaluate(second, operands), strict=True)
    for one, other in results:
        assert one.meta == other.meta
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


# Dead code


def test_nodes_that_nothing_needs_go_and_effects_stay_in_order() -> None:
    def body(x: Any) -> Any:
        unused = x * 2
        ops.print(unused, format="first {}")
        x + 3
        cond(x.sum() > 0, lambda: ops.print(format="second"), lambda: ())
        return (x,)

    graph = remove_dead_code(graph_of(body, F32))
    assert names(graph) == ["multiply", "print", "sum", "greater", "cond"]
    assert len(graph.constants) == 2


# Algebra


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (lambda x: x * 1.0, []),
        (lambda x: 1.0 * x, []),
        (lambda x: x / 1.0, []),
        (lambda x: x - 0.0, []),
        (lambda x: x + np.float32(-0.0), []),
        (lambda x: ops.negative(-x), []),
        (lambda x: ops.stop_gradient(+x), []),
        (lambda x: x.T.T, []),
        (lambda x: x + 0.0, ["add"]),
        (lambda x: 0.0 + x, ["add"]),
        (lambda x: 0.0 - x, ["subtract"]),
        (lambda x: x * 0.0, ["multiply"]),
        (lambda x: x * np.ones((2, 1, 1), np.float32), ["multiply"]),
        (lambda x: ops.reshape(ops.reshape(x, shape=(6,)), shape=(3, 2)), ["reshape"]),
        (lambda x: ops.reshape(ops.reshape(x, shape=(6,)), shape=(2, 3)), []),
        (lambda x: ops.reshape(x, shape=(2, 3), copy=True), ["reshape"]),
        (lambda x: ops.permute_dims(ops.permute_dims(x, axes=(1, 0)), axes=(-1, 0)), []),
        (lambda x: ops.permute_dims(ops.permute_dims(ops.permute_dims(x)), axes=(1, 0)), ["permute_dims"]),
        (lambda x: ops.broadcast_to(ops.broadcast_to(x, shape=(1, 2, 3)), shape=(4, 2, 3)), ["broadcast_to"]),
        (lambda x: ops.cast(ops.cast(x, dtype="float64"), dtype="float32"), []),
        (lambda x: ops.cast(ops.cast(x, dtype="float64"), dtype="float16"), ["cast"]),
        (lambda x: ops.cast(ops.cast(x, dtype="float16"), dtype="float32"), ["cast", "cast"]),
        (lambda x: ops.cast(ops.cast(x, dtype="float64"), dtype="int32"), ["cast", "cast"]),
    ],
)
def test_algebra_is_safe_for_signed_zeros_nan_and_infinities(body: Any, left: list[str]) -> None:
    before = graph_of(lambda x: (body(x),), F32)
    after = simplify_algebra(fold_constants(before))
    assert names(remove_dead_code(after)) == left
    if "int32" not in str(before):
        same_bits(before, after, SPECIAL)


def test_integer_identities() -> None:
    meta = TensorMeta((2,), dtypes_module.int32)
    graph = graph_of(lambda x: ((x + 0) * 1 - 0,), meta)
    assert names(simplify(graph)) == []
    same_bits(graph, simplify(graph), np.array([-3, 7], np.int32))


CASTS = [known for known in dtypes_module.ALL if not known.is_complex and not known.name.startswith("float8")]


@pytest.mark.parametrize("narrow", CASTS, ids=str)
@pytest.mark.parametrize("wide", CASTS, ids=str)
def test_a_dtype_that_holds_another_represents_its_extremes(wide: Any, narrow: Any) -> None:
    if not holds(wide, narrow) or "bfloat16" in (wide.name, narrow.name):
        return
    kind = np.dtype(narrow.name)
    if narrow.name == "bool":
        values = np.array([False, True])
    elif narrow.is_integer:
        info = np.iinfo(kind)
        values = np.array([info.min, info.min + 1, 0, 1, info.max - 1, info.max], kind)
    else:
        limits = np.finfo(kind)
        values = np.array([limits.max, limits.tiny, limits.smallest_subnormal, 1 + limits.eps, -0.0, np.inf], kind)
    back = values.astype(wide.name).astype(kind)
    assert back.tobytes() == values.tobytes()


def test_no_dtype_holds_one_of_more_digits_or_of_another_sign() -> None:
    refused = [("float32", "int32"), ("float32", "float64"), ("uint32", "int8"), ("int32", "uint32"), ("bool", "int8")]
    refused += [("float16", "bfloat16"), ("bfloat16", "float16"), ("float64", "int64"), ("int64", "float16")]
    assert [pair for pair in refused if holds(*map(dtypes_module.dtype, pair))] == []


# Common subexpressions


def test_equal_calls_are_made_once() -> None:
    graph = graph_of(lambda x: (ops.tanh(x) + ops.tanh(x), ops.sum(x, axis=0), ops.sum(x, axis=1)), F32)
    assert names(share_common_subexpressions(graph)) == ["tanh", "add", "sum", "sum"]


def test_attributes_that_python_calls_equal_are_told_apart() -> None:
    def body(x: Any) -> Any:
        fills = [ops.full(shape=(2, 3), fill_value=value, dtype="float32") for value in (0.0, -0.0, 0, False)]
        return tuple(x * fill for fill in fills)

    graph = graph_of(body, F32)
    same_bits(graph, share_common_subexpressions(graph), np.full((2, 3), -1.0, np.float32))
    assert names(share_common_subexpressions(graph)).count("full") == 4


def test_effects_are_not_shared() -> None:
    def body(x: Any) -> Any:
        ops.print(ops.tanh(x))
        ops.print(ops.tanh(x))
        return (x,)

    assert names(simplify(graph_of(body, F32))) == ["tanh", "print", "print"]


def test_small_constants_of_the_same_contents_are_one() -> None:
    first, second, large = (dt.constant(np.full(n, 2.0, np.float32)) for n in (3, 3, 100))
    other = dt.constant(np.full(100, 2.0, np.float32))
    meta = TensorMeta((), dtypes_module.float32)
    graph = graph_of(lambda x: (x * first + x * second, x * large + x * other), meta)
    after = simplify(graph)
    assert len(after.constants) == 3
    assert names(after) == ["multiply", "add", "multiply", "multiply", "add"]


# Constants


def test_what_depends_on_constants_alone_is_computed_once() -> None:
    table = dt.constant([1.0, 2.0, 3.0])
    graph = graph_of(lambda x: (x * ops.exp(table).sum() + ops.full(shape=(3,), fill_value=1.0),), F32)
    after = fold_constants(graph)
    assert names(after) == ["multiply", "add"]
    same_bits(graph, after, SPECIAL)


def test_large_results_and_effects_are_left_to_run() -> None:
    def body(x: Any) -> Any:
        ops.print(dt.constant(1.0) * 2)
        return (ops.full(shape=(1000,), fill_value=1.0) * 2, x)

    assert names(simplify(graph_of(body, F32))) == ["print", "full", "multiply"]


# The graphs that nodes carry


def test_bodies_are_simplified_too() -> None:
    def body(x: Any) -> Any:
        return cond(x.sum() > 0, lambda: (x.T.T * 1.0, x * 2 + x * 2)[1], lambda: x)

    (node,) = [node for node in simplify(graph_of(lambda x: (body(x),), F32)).nodes if node.operation is ops.cond]
    assert names(node.attributes["true_branch"]) == ["multiply", "add"]
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(function(body)(x)), np.full((2, 3), 4.0))


# Any graph

UNARY = [
    ops.negative,
    ops.positive,
    ops.stop_gradient,
    ops.tanh,
    ops.square,
    ops.matrix_transpose,
    lambda x: ops.permute_dims(x, axes=(1, 0)),
    lambda x: ops.reshape(x, shape=(x.shape[1], x.shape[0])),
    lambda x: ops.reshape(x, shape=(3, 3)),
    lambda x: ops.cast(ops.cast(x, dtype="float64"), dtype="float32"),
    lambda x: ops.cast(ops.cast(x, dtype="float16"), dtype="float32"),
    lambda x: ops.broadcast_to(x, shape=(3, 3)),
    lambda x: x * 1.0,
    lambda x: x + 0.0,
    lambda x: x - 0.0,
    lambda x: 0.0 - x,
    lambda x: x * ops.full(shape=(3, 1), fill_value=2.0),
    lambda x: ops.sum(x, axis=0, keepdims=True) + x,
]
BINARY = [ops.add, ops.subtract, ops.multiply, ops.maximum]
STEPS = st.lists(
    st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 30), st.integers(0, 30)),
    min_size=1,
    max_size=14,
)


def drawn_graph(steps: list[tuple[int, int, int]], kept: list[int]) -> Graph:
    """A graph of drawn operations on drawn earlier values."""

    def body(x: Any, y: Any) -> Any:
        values = [x, y, dt.constant(np.array([[1.0, -0.0, 2.0]] * 3, np.float32))]
        for choice, first, second in steps:
            one, other = values[first % len(values)], values[second % len(values)]
            values.append(UNARY[choice](one) if choice < len(UNARY) else BINARY[choice - len(UNARY)](one, other))
        return tuple(values[place % len(values)] for place in kept)

    meta = TensorMeta((3, 3), dtypes_module.float32)
    return graph_of(body, meta, meta)


@pytest.mark.parametrize("one_pass", [*PASSES[1:], simplify], ids=lambda one: one.__name__)
@settings(max_examples=60)
@given(STEPS, st.lists(st.integers(0, 30), min_size=1, max_size=3))
def test_drawn_graphs_give_the_same_bits(one_pass: Any, steps: list[Any], kept: list[int]) -> None:
    graph = drawn_graph(steps, kept)
    after = one_pass(graph)
    x = np.array([[0.0, -0.0, np.nan], [np.inf, -np.inf, 1.5], [-2.0, 3.0, 0.1]], np.float32)
    y = np.linspace(-3, 3, 9, dtype=np.float32).reshape(3, 3)
    same_bits(graph, after, x, y)
    assert len(after.nodes) <= len(graph.nodes)
    assert after.inputs == graph.inputs
