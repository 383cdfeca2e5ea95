"""Derivatives and batching of choices and loops: against central differences in float64, against the same computation
written as a Python loop, and traced against eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad, jvp, value_and_grad, vmap
from dovetail_protocols import control_flow, evaluate
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import GradientError
from dovetail_protocols.tracing import trace


def float64(values: Any) -> Any:
    return provider().convert(np.asarray(values, dtype=np.float64))


def some(*shape: int, seed: int = 1) -> Any:
    return float64(np.random.default_rng(seed).normal(size=shape))


def traced(function: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """A function of arrays that gives a list of arrays, run through its graph."""

    def run(*arrays: Any) -> tuple[Any, ...]:
        found = trace(function, [array.meta for array in arrays])
        return evaluate(found.graph, (*arrays, *found.captures))

    return run


def assert_close(actual: Any, expected: Any) -> None:
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------------- the functions under test


def recurrent(state: Any, xs: Any, weight: Any) -> Any:
    """A recurrence by scan, summed to a number; the integer that it carries gets no gradient."""

    def step(carried: Any, elements: Any) -> Any:
        (before, count), (x,) = carried, elements
        after = ops.tanh(ops.matmul(before, weight) + x * x)
        return (after, count + 1), (before * x, count)

    (last, _), (products, _) = control_flow.scan(step, (state, 0), (xs,), reverse=True)
    return ops.sum(last * last) + ops.sum(ops.sin(products))


def recurrent_in_python(state: Any, xs: Any, weight: Any) -> Any:
    total = 0.0
    for x in reversed(ops.unstack(xs)):
        total = ops.sum(ops.sin(state * x)) + total
        state = ops.tanh(ops.matmul(state, weight) + x * x)
    return ops.sum(state * state) + total


def branching(x: Any, y: Any) -> Any:
    """sin(x)·y where the sum of x is positive, else x³, summed; y reaches its branch by closure."""
    (chosen,) = control_flow.cond(
        ops.sum(x) > 0.0, lambda a: (ops.sin(a) * y,), lambda a: (ops.reshape(a * a * a, shape=(-1,)),), x
    )
    return ops.sum(chosen)


def looping(x: Any, y: Any) -> Any:
    """x ← sin(x)·y four times, out of at most six; the sum."""
    _, x = control_flow.while_loop(lambda i, x: i < 4, lambda i, x: (i + 1, ops.sin(x) * y), 0, x, maximum_iterations=6)
    return ops.sum(x)


def looping_in_python(x: Any, y: Any) -> Any:
    for _ in range(4):
        x = ops.sin(x) * y
    return ops.sum(x)


RECURRENT = (some(3), some(5, 3, seed=2), some(3, 3, seed=3))
POSITIVE = (float64([0.5, 1.0, -0.3]), some(3, seed=2))
NEGATIVE = (float64([0.5, -1.0, -0.3]), some(3, seed=2))
CASES = {
    "scan": (recurrent, RECURRENT),
    "cond, true": (branching, POSITIVE),
    "cond, false": (branching, NEGATIVE),
    "while_loop": (looping, POSITIVE),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_both_orders_agree_with_differences(case: str) -> None:
    function, arguments = CASES[case]
    check_gradients(function, *arguments, order=2)


@pytest.mark.parametrize("case", CASES)
def test_gradients_through_a_graph_agree_with_differences(case: str) -> None:
    function, arguments = CASES[case]
    check_gradients(lambda *arrays: traced(lambda *inner: [function(*inner)])(*arrays)[0], *arguments, order=2)


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_may_be_traced_whole(case: str) -> None:
    """With the predicate symbolic there is one cond, or a scan of bounded length, in either direction."""
    function, arguments = CASES[case]
    differentiated = grad(function, argnums=tuple(range(len(arguments))))
    assert_close(traced(differentiated)(*arguments), differentiated(*arguments))


@pytest.mark.parametrize("case", CASES)
def test_the_second_derivative_may_be_traced_whole(case: str) -> None:
    function, arguments = CASES[case]

    def second(*arrays: Any) -> list[Any]:
        return [grad(lambda x: ops.sum(ops.sin(grad(function)(x, *arrays[1:]))))(arrays[0])]

    assert_close(traced(second)(*arguments), second(*arguments))


@pytest.mark.parametrize("case", CASES)
def test_forward_mode_may_be_traced_and_agrees_with_reverse(case: str) -> None:
    function, arguments = CASES[case]
    tangents = tuple(some(*array.shape, seed=9) for array in arguments)

    def pushed(*arrays: Any) -> list[Any]:
        return list(jvp(function, arrays, tangents))

    value, gradients = value_and_grad(function, argnums=tuple(range(len(arguments))))(*arguments)
    along = sum(float(ops.sum(g * t)) for g, t in zip(gradients, tangents, strict=True))
    for found in (pushed(*arguments), traced(pushed)(*arguments)):
        assert_close(found, [value, float64(along)])


def test_scan_and_while_loop_have_the_gradients_of_python_loops() -> None:
    for loop, written, arguments in (
        (recurrent, recurrent_in_python, RECURRENT),
        (looping, looping_in_python, POSITIVE),
    ):
        places = tuple(range(len(arguments)))
        assert_close(grad(loop, argnums=places)(*arguments), grad(written, argnums=places)(*arguments))


# ---------------------------------------------------------------------- what is computed, and what isn't


def test_only_the_branch_taken_gets_a_gradient() -> None:
    """The square root's derivative at 0 is infinite: times the zero from a branch not taken it would be NaN."""
    gradient = grad(lambda x: control_flow.cond(x > 1.0, lambda: (ops.sqrt(x),), lambda: (x * 2.0,))[0])
    assert float(gradient(float64(0.0))) == 2.0
    assert float(traced(lambda x: [gradient(x)])(float64(0.0))[0]) == 2.0


def test_an_array_that_is_passed_twice_gets_both_shares_once() -> None:
    """d(x·x³)/dx = 4x³, d²/dx² = 12x², where x is both operands."""

    def product(x: Any) -> Any:
        return control_flow.cond(x > 0.0, lambda a, b: (a * b * b * b,), lambda a, b: (a + b,), x, x)[0]

    def repeated(x: Any) -> Any:
        return control_flow.fori_loop(0, 3, lambda i, a, b: (a * b, b), x, x)[0]

    for function in (product, repeated):
        for run in (lambda f, x: f(x), lambda f, x: traced(lambda x: [f(x)])(x)[0]):
            assert float(run(grad(function), float64(2.0))) == 32.0
            assert float(run(grad(grad(function)), float64(2.0))) == 48.0


def test_what_is_not_watched_costs_nothing_on_the_way_back() -> None:
    def nodes(watched: int) -> int:
        graph = trace(lambda *arrays: [grad(recurrent, argnums=watched)(*arrays)], [a.meta for a in RECURRENT]).graph
        backward = [node for node in graph.nodes if node.operation is ops.scan][-1]
        return len(backward.attributes["body"].nodes)

    with_weight, without = nodes(2), nodes(0)
    assert without < with_weight


def test_a_step_is_computed_once_and_its_intermediate_values_kept() -> None:
    graph = trace(lambda *arrays: [grad(recurrent)(*arrays)], [array.meta for array in RECURRENT]).graph
    bodies = [node.attributes["body"] for node in graph.nodes if node.operation is ops.scan]
    counts = [sum(node.operation is ops.tanh for node in body.nodes) for body in bodies]
    assert counts == [1, 0]


def test_an_unbounded_loop_is_differentiated_as_it_was_executed() -> None:
    def halved(x: Any) -> Any:
        return control_flow.while_loop(lambda x: x > 1.0, lambda x: (x / 2.0,), x)[0]

    assert float(grad(halved)(float64(5.0))) == 0.125
    assert float(grad(halved)(float64(0.5))) == 1.0


def test_an_unbounded_loop_in_a_trace_has_no_gradient_and_says_what_to_do() -> None:
    def halved(x: Any) -> Any:
        return control_flow.while_loop(lambda x: x > 1.0, lambda x: (x / 2.0,), x)[0]

    with pytest.raises(GradientError, match="maximum_iterations"):
        trace(lambda x: [grad(halved)(x)], [float64(5.0).meta])
    (value, tangent) = traced(lambda x: list(jvp(halved, (x,), (float64(1.0),))))(float64(5.0))
    assert (float(value), float(tangent)) == (0.625, 0.125)
    (kept,) = traced(lambda x: [grad(lambda x: x * x + ops.stop_gradient(halved(x)))(x)])(float64(5.0))
    assert float(kept) == 10.0


def test_variables_read_and_assigned_in_bodies() -> None:
    scale, seen = provider().variable(np.float64(3.0), name="scale"), provider().variable(np.float64(0.0), name="seen")

    def loss(x: Any) -> Any:
        def step(carried: Any, elements: Any) -> Any:
            ops.assign_variable(seen, ops.read_variable(seen) + elements[0])
            return (carried[0] * ops.read_variable(scale) + elements[0],), ()

        return control_flow.scan(step, (float64(0.0),), (x,))[0][0]

    gradient = grad(loss)(float64([1.0, 2.0, 4.0]))
    np.testing.assert_allclose(np.asarray(gradient), [9.0, 3.0, 1.0])
    assert float(ops.read_variable(seen)) == 7.0
    assert float(grad(lambda v: loss(float64([1.0, 2.0, 4.0])))(scale)) == 2 * 3.0 * 1.0 + 2.0


# ---------------------------------------------------------------------- batches


BATCHED = {
    "scan": (recurrent, (some(4, 3), some(4, 5, 3, seed=2), some(3, 3, seed=3)), (0, 0, None)),
    "scan, shared sequence": (recurrent, (some(4, 3), some(5, 3, seed=2), some(4, 3, 3, seed=3)), (0, None, 0)),
    "scan, batched constant": (recurrent, (some(3), some(5, 3, seed=2), some(4, 3, 3, seed=3)), (None, None, 0)),
    "cond, batched predicate": (branching, (some(4, 3), some(3, seed=2)), (0, None)),
    "cond, shared predicate": (branching, (POSITIVE[0], some(4, 3, seed=2)), (None, 0)),
    "while_loop": (looping, (some(4, 3), some(3, seed=2)), (0, None)),
}


@pytest.mark.parametrize("transformed", [lambda f: f, grad], ids=["value", "gradient"])
@pytest.mark.parametrize("case", BATCHED)
def test_a_batch_equals_its_examples(case: str, transformed: Any) -> None:
    function, arguments, axes = BATCHED[case]
    one_by_one = [
        transformed(function)(
            *(a if axis is None else float64(np.asarray(a)[place]) for a, axis in zip(arguments, axes, strict=True))
        )
        for place in range(4)
    ]
    batched = vmap(transformed(function), in_axes=axes)
    expected = np.stack([np.asarray(one) for one in one_by_one])
    assert_close([batched(*arguments)], [expected])
    assert_close(traced(lambda *arrays: [batched(*arrays)])(*arguments), [expected])


def test_examples_of_a_batch_leave_a_loop_each_at_its_time() -> None:
    def doublings(x: Any) -> Any:
        return control_flow.while_loop(lambda n, x: x < 100.0, lambda n, x: (n + 1, x * 2.0), 0, x)

    counts, values = vmap(doublings)(float64([1.0, 60.0, 200.0, 3.0]))
    assert np.asarray(counts).tolist() == [7, 1, 0, 6]
    assert np.asarray(values).tolist() == [128.0, 120.0, 200.0, 192.0]
