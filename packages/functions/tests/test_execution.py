"""Programs: kernels bound once, buffers freed after their last use, errors with the node and the line."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import function
from dovetail_functions.execution.planning import Planner
from dovetail_functions.execution.program import Program
from dovetail_functions.execution.steps import Step
from dovetail_protocols import operations as ops
from dovetail_protocols import selection
from dovetail_protocols.errors import GraphError, KernelError, KernelNotFoundError
from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins import use

X = np.linspace(-1.0, 1.0, 6, dtype=np.float32).reshape(2, 3)


def step(run: Any, inputs: tuple[int | None, ...], outputs: tuple[int, ...], *, several: bool = False) -> Step:
    return Step(run, inputs, outputs, several, "a step", "a runner", source="model.py:7")


class Buffer:
    """A buffer that can be watched."""


def test_a_buffer_is_freed_after_its_last_use() -> None:
    alive: list[int] = []
    made: list[weakref.ref[Buffer]] = []

    def make(*_: Any) -> Buffer:
        alive.append(sum(reference() is not None for reference in made))
        buffer = Buffer()
        made.append(weakref.ref(buffer))
        return buffer

    steps = [step(make, (place,), (place + 1,)) for place in range(5)]
    (result,) = Program([0], {}, steps, [5], {})(Buffer())
    assert alive == [0, 1, 1, 1, 1]  # the step's own operand, nothing from before it
    assert made[-1]() is result
    assert [reference() is None for reference in made] == [True] * 4 + [False]


def test_inputs_constants_and_repeated_values_may_be_outputs() -> None:
    program = Program([0, 1], {2: "constant"}, [step(lambda a, _: a * 2, (0, None), (3,))], [1, 2, 3, 3, 0], {})
    assert program(4, "input") == ("input", "constant", 8, 8, 4)


def test_steps_of_several_one_and_no_results() -> None:
    steps = [
        step(lambda a: (a, a + 1), (0,), (1, 2), several=True),
        step(lambda a: (a,), (2,), (3,), several=True),
        step(lambda a: (), (3,), (), several=True),
        step(lambda a, b: a + b, (1, 3), (4,)),
    ]
    assert Program([0], {}, steps, [4], {4: float})(10) == (21.0,)


def test_an_error_says_which_step_and_whose_line() -> None:
    steps = [step(lambda a: a, (0,), (1,)), step(lambda a: 1 / a, (1,), (2,)), step(lambda a: a, (2,), (3,))]
    with pytest.raises(KernelError, match="a runner failed for a step") as caught:
        Program([0], {}, steps, [3], {})(0)
    assert caught.value.where == "model.py:7"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_empty_graph_runs() -> None:
    assert function(lambda: None)() is None
    assert function(lambda x: {"same": x})(X)["same"].shape == (2, 3)


def test_zero_dimensional_and_empty_arrays() -> None:
    body = function(lambda x: (x * 2 + 1, ops.sum(x), ops.reshape(x, shape=(-1,))))
    scalar, total, flat = body(np.float32(3.0))
    assert (scalar.shape, float(total), flat.shape) == ((), 3.0, (1,))
    empty, total, flat = body(np.zeros((0,), np.float32))
    assert (empty.shape, float(total), flat.shape) == ((0,), 0.0, (0,))


def test_zero_dimensional_intermediate_results_are_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's ufuncs give scalars for 0-d operands; a kernel gets arrays."""
    seen: list[type] = []
    found = selection.select

    def spying(operation: Any, metas: Any, attributes: Any) -> Any:
        chosen = found(operation, metas, attributes)
        if operation is not ops.exp:
            return chosen

        def kernel(buffer: Any) -> Any:
            seen.append(type(buffer))
            return np.exp(buffer)

        return chosen.replace(kernel=kernel)

    monkeypatch.setattr(selection, "select", spying)
    function(lambda x: ops.exp(ops.sum(x) * 2))(X)
    assert seen == [np.ndarray]


def test_kernels_are_chosen_by_the_policy_in_force() -> None:
    traced = function(lambda x: ops.tanh(x))
    traced(X)
    with use("numpy", only=True):
        assert traced.explain(X).placements[0].runner == "kernel numpy/tanh"
    with use("-numpy"), pytest.raises(KernelNotFoundError, match="tanh"):
        traced(X)
    traced(X)
    assert traced.tracing_count == 1


def test_programs_are_planned_anew_after_kernels_were_forgotten() -> None:
    traced = function(lambda x: x + 1.0)
    traced(X)
    before = next(iter(traced.traces[0]._calls.values()))
    selection.forget()
    np.testing.assert_array_equal(np.asarray(traced(X)), X + 1)
    assert next(iter(traced.traces[0]._calls.values())) is not before
    assert traced.tracing_count == 1


def test_a_composite_without_kernel_is_decomposed_when_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    found = selection.candidates
    without = (ops.gelu, ops.softmax)
    monkeypatch.setattr(selection, "candidates", lambda o, *rest: [] if o in without else found(o, *rest))
    traced = function(lambda x: ops.softmax(ops.gelu(x)))
    np.testing.assert_allclose(np.asarray(traced(X)), np.asarray(ops.softmax(ops.gelu(dt.constant(X)))), rtol=1e-6)
    runners = [placement.runner for placement in traced.explain(X).placements]
    assert "kernel numpy/exp" in runners
    assert not any(runner.endswith(("softmax", "gelu")) for runner in runners)


def test_a_decomposition_that_never_ends_raises() -> None:
    meta = TensorMeta((2,), dt.float32)
    endless: Any = Operation(
        "acme::endless",
        version=1,
        operands=ops.tanh.operands,
        attributes=(),
        infer=lambda x: x,
        decomposition=lambda x: endless(x),
        documentation="",
    )
    value, result = Value(0, meta), Value(1, meta)
    graph = Graph("broken", (value,), (Node(endless, (value,), (result,), {}),), (result,))
    with pytest.raises(GraphError, match="never ends"):
        Planner(()).plan(graph)


def test_an_error_of_a_kernel_names_the_operation_and_the_line() -> None:
    gather = function(lambda x, indices: ops.take(x, indices, axis=0))
    gather(X, np.array([0, 1]))
    with pytest.raises(LookupError):
        gather(X, np.array([0, 5]))


def test_threads_share_a_function() -> None:
    traces: list[int] = []

    @function
    def body(x: Any) -> Any:
        traces.append(1)
        return ops.sum(ops.tanh(x) * x)

    results: list[float] = []
    start = threading.Barrier(4)

    def work(scale: float) -> None:
        start.wait()
        results.extend(float(body(dt.constant(X * scale))) for _ in range(20))

    workers = [threading.Thread(target=work, args=(scale,)) for scale in (1.0, 1.0, 2.0, 2.0)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert len(traces) == 1
    expected = {float((np.tanh(X * scale) * X * scale).sum()) for scale in (1.0, 2.0)}
    assert len(results) == 80
    assert all(min(abs(result - one) for one in expected) < 1e-5 for result in results)


def test_explanations_are_data_and_text() -> None:
    @function
    def named(x: Any) -> Any:
        return ops.sum(ops.tanh(x)) * 2.0

    explanation = named.explain(X)
    assert [placement.operation for placement in explanation.placements] == ["tanh", "sum", "multiply"]
    assert explanation.count_by_runner() == {"kernel numpy": 3}
    assert explanation.placements[0].source.startswith(f"{__file__}:")
    lines = str(explanation).splitlines()
    assert lines[0] == "named(x: float32[2,3]): 3 nodes (kernel numpy: 3)"
    assert "tanh → float32[2,3]: kernel numpy/tanh   # test_execution.py:" in lines[1]
