"""Choices and loops on nested structures: the same eagerly and in traced functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import cond, fori_loop, function, map, scan, switch_case, while_loop
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import DTypeError, ShapeError, SignatureError, StructureError


class Pair(NamedTuple):
    first: Any
    second: Any


@pytest.fixture(params=["eager", "traced"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Calls a function as it stands, or through `function`."""
    return (
        (lambda body, *args: body(*args)) if request.param == "eager" else (lambda body, *args: function(body)(*args))
    )


X = np.array([1.0, 2.0, 4.0], np.float32)


def test_cond_chooses_between_nested_results(run: Any) -> None:
    def body(x: Any) -> Any:
        return cond(
            ops.sum(x) > 0,
            lambda tree: {"pair": Pair(tree["x"] * 2.0, 1), "none": None},
            lambda tree: {"none": None, "pair": Pair(-tree["x"], 2)},
            {"x": x},
        )

    positive, negative = run(body, dt.constant(X)), run(body, dt.constant(-X))
    np.testing.assert_array_equal(np.asarray(positive["pair"].first), 2 * X)
    np.testing.assert_array_equal(np.asarray(negative["pair"].first), X)
    assert (int(positive["pair"].second), int(negative["pair"].second)) == (1, 2)
    assert positive["none"] is None


def test_cond_on_a_python_bool_calls_only_the_function_chosen(run: Any) -> None:
    assert run(lambda: cond(True, lambda: "yes", lambda: 1 / 0)) == "yes"
    assert run(lambda: cond(False, lambda: 1 / 0, lambda: "no")) == "no"


def test_cond_assigns_variables_in_the_branch_taken(run: Any) -> None:
    variable = dt.Variable(1.0)

    def body(x: Any) -> Any:
        return cond(x > 0, lambda: variable.assign(variable.read_value() + x), lambda: variable.read_value() * 1.0)

    assert [float(run(body, dt.constant(value))) for value in (2.0, -5.0)] == [3.0, 3.0]
    assert float(variable.read_value()) == 3.0


@pytest.mark.parametrize(
    ("other", "error", "said"),
    [
        (lambda x: (x,), StructureError, "differ in structure"),
        (lambda x: None, StructureError, "differ in structure"),
        (lambda x: x[:1], ShapeError, "shape of output 0 differs"),
        (lambda x: ops.cast(x, dtype="int32"), DTypeError, "dtype of output 0 differs"),
    ],
)
def test_branches_that_disagree_raise(run: Any, other: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        run(lambda x: cond(ops.sum(x) > 0, lambda y: y, other, x), dt.constant(X))


@pytest.mark.parametrize("predicate", [X, np.float32(1.0)])
def test_a_predicate_that_is_not_one_bool_raises(run: Any, predicate: Any) -> None:
    with pytest.raises((ShapeError, DTypeError), match="predicate"):
        run(lambda p: cond(p, lambda: 1, lambda: 2), dt.constant(predicate))


def test_switch_case_takes_the_branch_of_that_number_and_the_last_for_others(run: Any) -> None:
    def body(index: Any) -> Any:
        return switch_case(index, [lambda x: x, lambda x: x * 10.0, lambda x: x * 100.0], dt.constant(1.0))

    assert [float(run(body, dt.constant(index))) for index in (0, 1, 2, 3, -1)] == [1.0, 10.0, 100.0, 100.0, 100.0]
    assert [float(body(index)) for index in (0, 1, 7)] == [1.0, 10.0, 100.0]
    with pytest.raises(SignatureError, match="no branches"):
        switch_case(0, [])


def test_while_loop_carries_nested_structures(run: Any) -> None:
    def fibonacci(limit: Any) -> Any:
        start = {"count": dt.constant(0), "pair": Pair(dt.constant(0), dt.constant(1))}

        def step(state: Any) -> Any:
            first, second = state["pair"]
            return {"count": state["count"] + 1, "pair": Pair(second, first + second)}

        (state,) = while_loop(lambda state: state["pair"].first < limit, step, [start])
        return state["count"], state["pair"].first

    count, value = run(fibonacci, dt.constant(100))
    assert (int(count), int(value)) == (12, 144)


def test_while_loop_may_not_run_at_all_and_stops_at_its_limit(run: Any) -> None:
    def body(start: Any, limit: Any = None) -> Any:
        return while_loop(lambda i: i < 10, lambda i: i + 1, (start,), maximum_iterations=3)[0]

    assert [int(run(body, dt.constant(start))) for start in (20, 9, 0)] == [20, 10, 3]


def test_a_loop_body_that_changes_structure_shape_or_dtype_raises(run: Any) -> None:
    start = (dt.constant(0), dt.constant(X))
    with pytest.raises(StructureError, match="loop variables"):
        run(lambda: while_loop(lambda i, x: i < 3, lambda i, x: (i, x, x), start))
    with pytest.raises(ShapeError, match="carried"):
        run(lambda: while_loop(lambda i, x: i < 3, lambda i, x: (i, x[:1]), start))
    with pytest.raises(DTypeError, match="carried"):
        run(lambda: fori_loop(0, 3, lambda i, x: ops.cast(x, dtype="float64"), dt.constant(X)))


@pytest.mark.parametrize("lower", [0, -1])
def test_fori_loop_with_python_and_with_tensor_bounds(run: Any, lower: int) -> None:
    def body(upper: Any) -> Any:
        add = lambda index, tree: {"sum": tree["sum"] + index, "x": tree["x"] * 2.0}  # noqa: E731
        start = {"sum": dt.constant(0), "x": dt.constant(1.0)}
        return fori_loop(lower, 4, add, start), fori_loop(dt.constant(lower), upper, add, start)

    for result in run(body, dt.constant(4)):
        assert int(result["sum"]) == sum(range(lower, 4))
        assert float(result["x"]) == 2.0 ** (4 - lower)


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_stacks_nested_outputs(run: Any, reverse: bool) -> None:
    def body(x: Any) -> Any:
        def step(carry: Any, element: Any) -> Any:
            total = carry["total"] + element[0]
            return {"total": total}, (total, {"row": element[1] * 2.0})

        return scan(step, {"total": dt.constant(0.0)}, (x, ops.stack(x, x, axis=1)), reverse=reverse)

    carried, (totals, rows) = run(body, dt.constant(X))
    ordered = X[::-1] if reverse else X
    expected = np.cumsum(ordered)[::-1] if reverse else np.cumsum(ordered)
    assert float(carried["total"]) == 7.0
    np.testing.assert_array_equal(np.asarray(totals), expected)
    np.testing.assert_array_equal(np.asarray(rows["row"]), np.stack([X, X], axis=1) * 2)


def test_scan_without_sequences_or_outputs_and_of_no_steps(run: Any) -> None:
    def body() -> Any:
        counted, nothing = scan(lambda c, _: (c + 1, None), dt.constant(0), length=5)
        empty = scan(lambda c, e: (c, e * 2), dt.constant(0), dt.zeros((0, 2)))[1]
        return counted, nothing, empty

    counted, nothing, empty = run(body)
    assert (int(counted), nothing, empty.shape) == (5, None, (0, 2))


def test_a_scan_s_body_must_return_a_pair(run: Any) -> None:
    with pytest.raises(StructureError, match=r"\(carried, outputs\)"):
        run(lambda: scan(lambda c, e: c, dt.constant(0.0), dt.constant(X)))


def test_map_applies_a_function_to_each_element(run: Any) -> None:
    result = run(lambda x: map(lambda e: {"square": e["x"] * e["x"]}, {"x": x}), dt.constant(X))
    np.testing.assert_array_equal(np.asarray(result["square"]), X * X)


def test_bodies_are_traced_once_and_loops_nest() -> None:
    traced: list[int] = []

    @function
    def table(n: Any) -> Any:
        def row(i: Any, total: Any) -> Any:
            traced.append(1)
            return fori_loop(0, n, lambda j, inner: inner + i * j, total)

        return fori_loop(0, n, row, dt.constant(0))

    assert int(table(dt.constant(4))) == sum(i * j for i in range(4) for j in range(4))
    assert len(traced) == 1
    assert int(table(dt.constant(5))) == sum(i * j for i in range(5) for j in range(5))


def test_loops_assign_variables(run: Any) -> None:
    counter = dt.Variable(0.0)

    def body(x: Any) -> Any:
        def step(index: Any, carried: Any) -> Any:
            counter.assign(counter.read_value() + 1.0)
            return carried * 2.0

        return fori_loop(0, 3, step, x), counter.read_value()

    assert [float(value) for value in run(body, dt.constant(1.0))] == [8.0, 3.0]
    assert float(counter.read_value()) == 3.0
