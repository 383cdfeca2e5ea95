"""Variables in functions: read live, assigned at the end, all or none; made on the first call only."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import function
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current
from dovetail_protocols.errors import DTypeError, KernelError, ShapeError, TraceError


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    return dt.constant(np.ones(shape, dtype))


def test_assignments_inside_are_seen_later_inside_and_outside() -> None:
    counter = dt.Variable(0.0)

    @function
    def twice() -> Any:
        first = counter.assign(counter.read_value() + 1.0)
        second = counter.assign(counter.read_value() * 2.0)
        return first, second, counter.read_value()

    assert [float(value) for value in twice()] == [1.0, 2.0, 2.0]
    assert [float(value) for value in twice()] == [3.0, 6.0, 6.0]
    assert float(counter.read_value()) == 6.0


def test_variables_are_states_of_the_graph() -> None:
    read, assigned = dt.Variable(1.0, name="read"), dt.Variable(2.0, name="assigned")

    @function
    def step(x: Any) -> Any:
        assigned.assign(assigned.read_value() * x)
        return x + read.read_value()

    graph = step.graph(ones())
    states = {state.name.rstrip(":0"): (state.input, state.output) for state in graph.states}
    assert states == {"assigned": (1, 1), "read": (2, None)}
    concrete = step.get_concrete_function(ones())
    assert [variable is wanted for variable, wanted in zip(concrete.variables, (assigned, read), strict=True)]


def test_a_tensor_read_before_does_not_change() -> None:
    variable = dt.Variable(np.zeros(4, np.float32))
    before = variable.read_value()
    function(lambda: variable.assign(variable.read_value() + 1.0))()
    np.testing.assert_array_equal(np.asarray(before), np.zeros(4))
    np.testing.assert_array_equal(np.asarray(variable.read_value()), np.ones(4))


def test_an_error_while_tracing_leaves_everything_as_it_was() -> None:
    variable = dt.Variable(1.0)

    @function
    def failing(x: Any, fail: bool) -> Any:
        variable.assign(x)
        if fail:
            raise ZeroDivisionError("of the user's own")
        return x

    with pytest.raises(ZeroDivisionError, match="own"):
        failing(dt.constant(5.0), True)
    assert float(variable.read_value()) == 1.0
    assert failing.tracing_count == 0
    assert current() is None
    assert float(failing(dt.constant(5.0), False)) == 5.0


def test_an_error_while_running_changes_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = dt.Variable(1.0), dt.Variable(np.ones(3, np.float32))

    @function
    def step(indices: Any) -> Any:
        first.assign(first.read_value() + 1.0)
        second.assign(ops.take(second.read_value(), indices) * 2.0)
        return first.read_value()

    step(dt.constant([0, 1, 2]))
    with pytest.raises((KernelError, IndexError)):
        step(dt.constant([0, 1, 99]))
    assert float(first.read_value()) == 2.0
    np.testing.assert_array_equal(np.asarray(second.read_value()), [2.0, 2.0, 2.0])


def test_a_variable_that_refuses_its_value_leaves_the_others() -> None:
    from dovetail_functions.states import States

    class Refusing:
        payload = None

        def replace(self, payload: Any) -> None:
            raise ValueError("no")

    first, second = dt.Variable(1.0), Refusing()
    last = dt.Variable(3.0)
    variables: Any = [first, second, last]
    states = States(variables, variables, {2: lambda buffer: buffer.copy()})
    with pytest.raises(ValueError, match="no"):
        states.run(lambda *given: (np.float32(9.0).reshape(()), None, given[2]), [])
    assert (float(first.read_value()), float(last.read_value())) == (1.0, 3.0)


def test_a_program_that_raises_leaves_every_variable_its_buffer() -> None:
    from dovetail_functions.states import States

    first, second = dt.Variable(np.ones(3)), dt.Variable(2.0)
    kept = second.payload
    states = States([first, second], [first, second], {0: np.copy, 1: np.copy})

    def fail(*given: Any) -> Any:
        assert given[1] is not kept  # somebody else holds it, so that it is copied
        raise MemoryError("no")

    with pytest.raises(MemoryError):
        states.run(fail, [])
    assert second.payload is kept
    np.testing.assert_array_equal(first.numpy(), np.ones(3))


@pytest.mark.parametrize(("value", "error"), [(np.ones(3, np.float32), ShapeError), (np.ones(2, np.int32), DTypeError)])
def test_assigning_another_shape_or_dtype_in_a_trace_raises(value: Any, error: type[Exception]) -> None:
    variable = dt.Variable(np.zeros(2, np.float32))
    with pytest.raises(error):
        function(lambda x: ops.assign_variable(variable, x))(dt.constant(value))
    np.testing.assert_array_equal(np.asarray(variable.read_value()), [0.0, 0.0])


def test_initial_values_may_be_computed_in_the_trace() -> None:
    made: list[Any] = []
    scale = dt.Variable(3.0)

    @function
    def first_call(x: Any) -> Any:
        if not made:
            made.append(dt.Variable(ops.full(shape=(x.shape[0],), fill_value=2.0) + scale.read_value()))
        return x * made[0].read_value()

    np.testing.assert_array_equal(np.asarray(first_call(ones(2))), [5.0, 5.0])
    assert len(made) == 1


def test_an_initial_value_that_depends_on_an_argument_raises() -> None:
    with pytest.raises(TraceError, match="depends on arguments"):
        function(lambda x: dt.Variable(x * 2.0).read_value())(ones())


def test_random_initial_values_are_those_of_eager_evaluation_and_move_the_generator_on() -> None:
    from dovetail_tensors.random import Generator

    def build(generator: Any, kept: list[Any]) -> Any:
        if not kept:
            kept.append(dt.Variable(generator.normal((3,))))
            kept.append(dt.Variable(generator.normal((3,))))
        return kept[0].read_value() + kept[1].read_value()

    eager: list[Any] = []
    traced: list[Any] = []
    eager_generator, traced_generator = Generator(7), Generator(7)
    build(eager_generator, eager)
    function(lambda: build(traced_generator, traced))()
    for one, other in zip(eager, traced, strict=True):
        np.testing.assert_array_equal(np.asarray(one.read_value()), np.asarray(other.read_value()))
    np.testing.assert_array_equal(np.asarray(eager_generator.normal((3,))), np.asarray(traced_generator.normal((3,))))


def test_variables_made_by_an_inner_function_belong_to_it(counting: Any) -> None:
    made: list[Any] = []

    @function
    def inner(x: Any) -> Any:
        if not made:
            made.append(dt.Variable(2.0))
        return x * made[0].read_value()

    outer, traces = counting(lambda x, use: inner(x) if use else x)
    assert float(outer(ones(), False)) == 1.0
    assert float(outer(ones(), True)) == 2.0  # the outer function's second trace, the inner one's first
    assert len(traces) == 2


def test_functions_and_traces_die_with_the_objects_they_belong_to() -> None:
    class Layer:
        def __init__(self) -> None:
            self.weight = dt.Variable(np.ones(3, np.float32))

        @function
        def __call__(self, x: Any) -> Any:
            return x * self.weight.read_value()

    apply = function(lambda layer, x: layer(x))
    layer = Layer()
    layer(ones(3))
    apply(layer, ones(3))
    reference = weakref.ref(layer)
    assert len(apply.traces) == 1
    del layer
    gc.collect()
    assert reference() is None
    assert apply.traces == []
    assert len(Layer.__call__._bound) == 0


def test_a_returned_variable_is_its_value() -> None:
    variable = dt.Variable(4.0)
    result = function(lambda: {"value": variable})()
    assert type(result["value"]) is dt.Tensor
    assert float(result["value"]) == 4.0
