"""Choices and loops on real arrays, eagerly: results, variables and closures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dovetail_protocols import control_flow, provider
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import (
    ConcretizationError,
    DTypeError,
    ShapeError,
    SignatureError,
    StructureError,
    TraceError,
)


def array(value: Any) -> Any:
    return provider().convert(value)


def variable(value: Any) -> Any:
    return provider().variable(value, name="state")


def numbers(arrays: Sequence[Any]) -> list[Any]:
    return [np.asarray(array(one)).tolist() for one in arrays]


# ---------------------------------------------------------------------- cond


@pytest.mark.parametrize(("pred", "expected"), [(True, [3.0, 6.0]), (False, [-1.0, -2.0])])
def test_cond_gives_the_results_of_the_branch_taken(pred: bool, expected: list[float]) -> None:
    x = array([1.0, 2.0])
    assert numbers(control_flow.cond(pred, lambda a: (a * 3.0,), lambda a: (-a,), x)) == [expected]
    assert numbers(control_flow.cond(array(pred), lambda: (x * 3.0,), lambda: (-x,))) == [expected]


@pytest.mark.parametrize("pred", [True, False])
def test_cond_assigns_only_in_the_branch_taken(pred: bool) -> None:
    count, other = variable(1.0), variable(5.0)

    def increase(x: Any) -> Any:
        ops.assign_variable(count, ops.read_variable(count) + x)
        return (ops.read_variable(count),)

    def look(x: Any) -> Any:
        return (ops.read_variable(other) + x,)

    results = control_flow.cond(pred, increase, look, array(2.0))
    assert numbers(results) == [3.0 if pred else 7.0]
    assert numbers([count, other]) == [3.0 if pred else 1.0, 5.0]


def test_cond_without_results_is_for_its_assignments() -> None:
    state = variable(1.0)

    def change() -> None:
        ops.assign_variable(state, array(2.0))

    assert control_flow.cond(True, change, lambda: None) == ()
    assert numbers([state]) == [2.0]


def test_cond_refuses_branches_that_disagree() -> None:
    x = array([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"output 0(.|\n)*float32\[2\], from true_function(.|\n)*float32\[\]"):
        control_flow.cond(True, lambda a: (a,), lambda a: (ops.sum(a),), x)
    with pytest.raises(DTypeError, match="dtype of output 1"):
        control_flow.cond(True, lambda a: (a, 1.0), lambda a: (a, 1), x)
    with pytest.raises(SignatureError, match="number of outputs"):
        control_flow.cond(True, lambda a: (a,), lambda a: (a, a), x)
    with pytest.raises(StructureError, match="true_function returns"):
        control_flow.cond(True, lambda a: a, lambda a: (a,), x)


def test_an_if_in_a_branch_says_what_to_do() -> None:
    with pytest.raises(ConcretizationError, match=r"dovetail\.cond"):
        control_flow.cond(True, lambda a: (a if a > 0 else -a,), lambda a: (a,), array(1.0))


# ---------------------------------------------------------------------- while_loop


def test_while_loop_repeats_while_the_condition_holds() -> None:
    limit = array(4)
    results = control_flow.while_loop(lambda i, x: i < limit, lambda i, x: (i + 1, x * 2.0), 0, array([1.0, 3.0]))
    assert numbers(results) == [4, [16.0, 48.0]]


def test_while_loop_may_not_run_at_all_and_stops_at_its_bound() -> None:
    def run(start: int, bound: int | None) -> list[Any]:
        results = control_flow.while_loop(lambda i: i < 4, lambda i: (i + 1,), start, maximum_iterations=bound)
        return numbers(results)

    assert run(9, None) == [9]
    assert run(0, 3) == [3]
    assert run(0, 0) == [0]
    assert run(0, 9) == [4]


def test_while_loop_carries_variables_that_its_body_assigns() -> None:
    total, step = variable(0.0), variable(2.0)

    def body(i: Any) -> Any:
        ops.assign_variable(total, ops.read_variable(total) + ops.read_variable(step))
        return (i + 1,)

    results = control_flow.while_loop(lambda i: ops.read_variable(total) < 7.0, body, 0)
    assert numbers([*results, total, step]) == [4, 8.0, 2.0]


def test_while_loop_refuses_bodies_that_change_what_is_carried() -> None:
    with pytest.raises(DTypeError, match=r"carried array 0(.|\n)*int32\[\], the initial one(.|\n)*float32\[\]"):
        control_flow.while_loop(lambda i: i < 3, lambda i: (i + 0.5,), 0)
    with pytest.raises(SignatureError, match="number of carried arrays"):
        control_flow.while_loop(lambda i: i < 3, lambda i: (i, i), 0)
    state = variable(0.0)
    with pytest.raises(TraceError, match="condition assigns a variable"):
        control_flow.while_loop(lambda i: ops.less(ops.assign_variable(state, array(1.0)), 0.0), lambda i: (i,), 0)


# ---------------------------------------------------------------------- scan, fori_loop, map


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_equals_a_python_loop(reverse: bool) -> None:
    random = np.random.default_rng(0)
    start, xs, weight = random.normal(size=3), random.normal(size=(5, 3)), random.normal(size=(3, 3))
    matrix = array(weight)

    def body(carried: Any, elements: Any) -> Any:
        (state,), (x,) = carried, elements
        new = ops.tanh(ops.matmul(state, matrix) + x)
        return (new,), (new * 2.0, ops.sum(x))

    (last,), (doubled, sums) = control_flow.scan(body, (array(start),), (array(xs),), reverse=reverse)
    state, rows = start, {}
    for step in reversed(range(5)) if reverse else range(5):
        state = np.tanh(state @ weight + xs[step])
        rows[step] = state * 2.0
    np.testing.assert_allclose(np.asarray(last), state, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(doubled), [rows[step] for step in range(5)], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(sums), xs.sum(axis=1), rtol=1e-6)


def test_scan_of_no_steps_gives_empty_outputs() -> None:
    carried, outputs = control_flow.scan(
        lambda c, x: (c, (x[0] * 2.0, c[0])), (array([1, 2]),), (array(np.zeros((0, 3), "float32")),)
    )
    assert numbers(carried) == [[1, 2]]
    assert [(one.shape, one.dtype.name) for one in outputs] == [((0, 3), "float32"), ((0, 2), "int32")]


def test_scan_without_sequences_takes_a_length_and_carries_variables() -> None:
    state = variable(1.0)

    def body(carried: Any, elements: Any) -> Any:
        assert elements == ()
        ops.assign_variable(state, ops.read_variable(state) * 2.0)
        return carried, (ops.read_variable(state),)

    carried, outputs = control_flow.scan(body, (), length=4)
    assert carried == ()
    assert numbers([*outputs, state]) == [[2.0, 4.0, 8.0, 16.0], 16.0]


def test_scan_refuses_what_its_body_must_not_return() -> None:
    xs = array([1.0, 2.0])
    with pytest.raises(StructureError, match="two tuples"):
        control_flow.scan(lambda c, x: c, (xs,), (xs,))
    with pytest.raises(SignatureError, match="number of carried arrays"):
        control_flow.scan(lambda c, x: ((), x), (xs,), (xs,))
    with pytest.raises(ShapeError, match=r"carried array 0(.|\n)*the initial one"):
        control_flow.scan(lambda c, x: (x, ()), (xs,), (xs,))


def test_fori_loop_counts_with_ints_and_with_arrays() -> None:
    def body(index: Any, total: Any) -> Any:
        return (total + index,)

    assert numbers(control_flow.fori_loop(2, 5, body, 0)) == [9]
    assert numbers(control_flow.fori_loop(array(2), array(5), body, 0)) == [9]
    assert numbers(control_flow.fori_loop(5, 2, body, 7)) == [7]


def test_map_stacks_the_results_for_each_element() -> None:
    xs, ys = array([1.0, 2.0, 3.0]), array([[1.0, 0.0], [2.0, 0.0], [3.0, 1.0]])
    products, sums = control_flow.map(lambda x, y: (x * y, ops.sum(y)), xs, ys)
    assert numbers([products, sums]) == [[[1.0, 0.0], [4.0, 0.0], [9.0, 3.0]], [1.0, 2.0, 4.0]]


def test_constructs_nest() -> None:
    def inner(carried: Any, elements: Any) -> Any:
        (total,), (x,) = carried, elements
        return control_flow.cond(x > 0.0, lambda: (total + x,), lambda: (total,)), ()

    def outer(carried: Any, elements: Any) -> Any:
        (row,) = elements
        return carried, control_flow.scan(inner, (array(0.0),), (row,))[0]

    _, (sums,) = control_flow.scan(outer, (), (array([[1.0, -2.0], [3.0, 4.0]]),))
    assert numbers([sums]) == [[1.0, 7.0]]
