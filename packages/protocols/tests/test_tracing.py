"""Tracing: what a function did, as a graph, and what its arrays are worth afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import ConcretizationError, LeakedTensorError, ShapeError, TraceError
from dovetail_protocols.graph import State, evaluate
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.tracing import Tracer, trace, user_line

from .conftest import ToyArray, ToyProvider

META = TensorMeta((2,), dt.float32)


def pair(*values: float) -> ToyArray:
    return ToyArray(values, META)


def test_a_trace_notes_every_call_and_runs_none(toy: ToyProvider) -> None:
    traced = trace(lambda x, y: (ops.multiply(ops.add(x, y), x),), [META, META], name="f")
    assert [node.operation for node in traced.graph.nodes] == [ops.add, ops.multiply]
    assert toy.log == []
    assert (traced.graph.name, traced.argument_count, traced.result_count) == ("f", 2, 1)
    assert [value.meta for value in traced.graph.outputs] == [META]
    assert evaluate(traced.graph, (pair(1.0, 2.0), pair(3.0, 4.0)))[0].payload == (4.0, 12.0)
    assert toy.log == ["add", "multiply"]


def test_nodes_know_their_attributes_and_the_users_line(toy: ToyProvider) -> None:
    def f(x: Any) -> Any:
        return (ops.sum(x, keepdims=True),)

    (node,) = trace(f, [META]).graph.nodes
    assert node.attributes["keepdims"] is True
    assert list(node.attributes) == [attribute.name for attribute in ops.sum.attributes]
    assert node.source == f"{__file__}:{f.__code__.co_firstlineno + 1}"


def test_arrays_from_outside_become_captures_once_each(toy: ToyProvider) -> None:
    outside = pair(5.0, 6.0)
    traced = trace(lambda x: (ops.add(ops.multiply(x, outside), outside),), [META])
    assert traced.captures == (outside,)
    assert len(traced.graph.inputs) == 2
    (result,) = evaluate(traced.graph, (pair(1.0, 2.0), *traced.captures))
    assert result.payload == (10.0, 18.0)


def test_variables_read_become_inputs_and_those_assigned_outputs(toy: ToyProvider) -> None:
    read, assigned = toy.variable(pair(1.0, 1.0), name="r"), toy.variable(pair(2.0, 2.0), name="a")

    def f(x: Any) -> Any:
        before = ops.read_variable(assigned)
        ops.assign_variable(assigned, ops.add(before, x))
        return (ops.add(ops.read_variable(assigned), ops.read_variable(read)),)

    traced = trace(f, [META])
    assert traced.variables == (assigned, read)
    assert traced.assigned == (assigned,)
    assert traced.graph.states == (State("a", 1, 1), State("r", 2, None))
    assert assigned.payload == (2.0, 2.0), "a trace assigns nothing"
    result, after = evaluate(traced.graph, (pair(10.0, 20.0), pair(2.0, 2.0), pair(1.0, 1.0)))
    assert (result.payload, after.payload) == ((13.0, 23.0), (12.0, 22.0))


def test_a_refused_assignment_leaves_the_trace_as_it_was(toy: ToyProvider) -> None:
    variable = toy.variable(pair(1.0, 2.0))

    def f(x: Any) -> Any:
        with pytest.raises(ShapeError, match="assign: the shape differs"):
            ops.assign_variable(variable, toy.convert([1.0, 2.0, 3.0]))
        return (ops.add(x, ops.read_variable(variable)),)

    assert trace(f, [META]).assigned == ()


def test_what_an_operation_refuses_is_refused_while_tracing(toy: ToyProvider) -> None:
    with pytest.raises(ShapeError, match="add"):
        trace(lambda x: (ops.add(x, toy.convert([1.0, 2.0, 3.0])),), [META])
    with pytest.raises(TraceError, match="depends on the values"):
        trace(lambda x: (ops.nonzero(x)[0],), [META])
    assert current() is None


def test_needing_a_value_names_the_action_both_lines_and_the_way_out(toy: ToyProvider) -> None:
    def f(x: Any) -> Any:
        made = ops.negative(x)
        made.payload.concretize("float()")
        return (made,)

    line = f.__code__.co_firstlineno
    with pytest.raises(ConcretizationError, match="the value of a traced tensor is not known while 'f'") as caught:
        trace(f, [META], name="f")
    error = caught.value
    assert "but float() needs it" in error.what
    assert f"{__file__}:{line + 2}" in str(error.where)
    assert f"was made at {__file__}:{line + 1}" in str(error.where)
    assert "dovetail.cond" in str(error.fix)


def test_needing_the_value_of_an_argument_says_that_it_is_one(toy: ToyProvider) -> None:
    def f(x: Any) -> Any:
        return (x.payload.concretize("bool()"),)

    with pytest.raises(ConcretizationError) as caught:
        trace(f, [META])
    assert "was made at an argument of the function" in str(caught.value.where)


def test_a_tensor_that_outlived_its_trace_says_so_wherever_it_is_used(toy: ToyProvider) -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(ops.negative(x))
        return (kept[0],)

    trace(f, [META], name="f")
    with pytest.raises(LeakedTensorError, match="made while 'f' was traced is used outside of it") as caught:
        kept[0].payload.concretize("float()")
    assert f"it was made at {__file__}:{f.__code__.co_firstlineno + 1}" in str(caught.value.where)
    with pytest.raises(LeakedTensorError, match="made while 'f'"):
        trace(lambda x: (ops.add(x, kept[0]),), [META], name="g")
    with pytest.raises(LeakedTensorError):
        trace(lambda x: (kept[0],), [META])


def test_a_trace_that_fails_closes_and_is_taken_off(toy: ToyProvider) -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(x)
        raise RuntimeError("body")

    with pytest.raises(RuntimeError, match="body"):
        trace(f, [META])
    assert current() is None
    with pytest.raises(LeakedTensorError):
        kept[0].payload.concretize("float()")


def test_traces_nest_and_the_inner_one_captures_from_the_outer(toy: ToyProvider) -> None:
    inner_traces = []

    def outer(x: Any) -> Any:
        y = ops.negative(x)
        inner_traces.append(trace(lambda z: (ops.add(y, z),), [META], name="inner"))
        return (y,)

    traced = trace(outer, [META], name="outer")
    (inner,) = inner_traces
    assert [node.operation for node in traced.graph.nodes] == [ops.negative]
    assert [node.operation for node in inner.graph.nodes] == [ops.add]
    assert len(inner.captures) == 1


def test_python_results_become_constants_of_the_graph_by_capture(toy: ToyProvider) -> None:
    traced = trace(lambda x: (2.5,), [META])
    assert traced.graph.nodes == ()
    assert [array.payload for array in traced.captures] == [(2.5,)]


def test_a_tracer_is_an_interpreter_and_hands_out_numbers_once(toy: ToyProvider) -> None:
    tracer = Tracer("by hand")
    x = tracer.argument(META, "x")
    with interpreting(tracer):
        y = ops.add(x, x)
    traced = tracer.close([y])
    numbers = [value.number for value in traced.graph.values()]
    assert len(numbers) == len(set(numbers))
    assert not tracer.is_open


def test_the_users_line_is_the_innermost_outside_of_dovetail() -> None:
    first = test_the_users_line_is_the_innermost_outside_of_dovetail.__code__.co_firstlineno
    found = user_line()
    assert found == f"{__file__}:{first + 2}"
