"""checklists.md, Core APIs, *tf.function*: one test for each line, named for it. (Gradients: test_gradients.py.)"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import (
    TensorSpec,
    cond,
    fori_loop,
    function,
    functions_run_eagerly,
    run_functions_eagerly,
    scan,
    while_loop,
)
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import ConcretizationError, LeakedTensorError, TraceError


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    return dt.constant(np.ones(shape, dtype))


def test_traces_once_per_dtype_and_shape_and_reuses_afterwards(counting: Any) -> None:
    double, traces = counting(lambda x: x * 2)
    for array in (ones(2), ones(2), ones(3), ones(2), ones(2, 2), ones(2, dtype=np.int32), ones(3)):
        result = double(array)
        assert result.shape == array.shape
        assert result.dtype is array.dtype
        np.testing.assert_array_equal(np.asarray(result), 2 * np.asarray(array))
    assert len(traces) == double.tracing_count == double.experimental_get_tracing_count() == 4


def test_python_primitives_trace_per_value(counting: Any) -> None:
    power, traces = counting(lambda x, times: x * (times or 1))
    for times, seen in ((2, 1), (2, 1), (3, 2), (3.0, 3), (True, 4), (2, 4), (None, 5), (0.0, 6), (-0.0, 7), (0.0, 7)):
        power(ones(2), times)
        assert len(traces) == seen


def test_strings_trace_per_value(counting: Any) -> None:
    scaled, traces = counting(lambda x, unit: x * {"m": 1.0, "cm": 100.0}[unit])
    assert [float(scaled(ones(), unit)) for unit in ("m", "cm", "m")] == [1.0, 100.0, 1.0]
    assert len(traces) == 2


def test_dicts_ignore_the_order_of_keys(counting: Any) -> None:
    difference, traces = counting(lambda pair: pair["a"] - pair["b"])
    assert float(difference({"a": ones() * 3, "b": ones()})) == 2.0
    assert float(difference({"b": ones(), "a": ones() * 3})) == 2.0
    assert len(traces) == 1


def test_variables_trace_by_identity(counting: Any) -> None:
    read, traces = counting(lambda variable: variable.read_value() * 2.0)
    first, second = dt.Variable(1.0), dt.Variable(10.0)
    assert [float(read(v)) for v in (first, second, first)] == [2.0, 20.0, 2.0]
    assert len(traces) == 2
    first.assign(5.0)
    assert float(read(first)) == 10.0
    assert len(traces) == 2


def test_the_most_specific_matching_trace_wins(counting: Any) -> None:
    rows, traces = counting(lambda x: x * float(isinstance(x.shape[0], int) and len(traces)))
    rows.get_concrete_function(TensorSpec([None]))
    rows.get_concrete_function(TensorSpec([3]))
    assert len(traces) == 2
    assert float(rows(ones(3))[0]) == 2.0
    assert float(rows(ones(4))[0]) == 1.0
    assert len(traces) == 2


def test_input_signature_violations_raise_type_error() -> None:
    @function(input_signature=[TensorSpec([None, 2], "float32")])
    def total(x: Any) -> Any:
        return x.sum()

    assert float(total(ones(3, 2))) == 6.0
    for wrong in (ones(3, 3), ones(2), ones(3, 2, dtype=np.int32), "text", [1.0, 2.0]):
        with pytest.raises(TypeError, match="input_signature"):
            total(wrong)
    with pytest.raises(TypeError, match="doesn't take these"):
        total()
    assert total.tracing_count == 1


def test_arguments_beyond_an_input_signature_raise_type_error() -> None:
    @function(input_signature=[TensorSpec([2])])
    def scaled(x: Any, factor: float = 2.0) -> Any:
        return x * factor

    assert float(scaled(ones(2))[0]) == 2.0
    with pytest.raises(TypeError, match="as many arguments"):
        scaled(ones(2), 3.0)


def test_input_signature_takes_nested_structures_numbers_and_variables() -> None:
    @function(input_signature=[{"a": TensorSpec([2]), "b": [TensorSpec([], "int32")]}])
    def combined(tree: Any) -> Any:
        return tree["a"] * tree["b"][0]

    for a in ([1.0, 2.0], [1, 2], np.array([1, 2], np.float32), dt.Variable([1.0, 2.0])):
        np.testing.assert_array_equal(np.asarray(combined({"b": [3], "a": a})), [3.0, 6.0])
    assert combined.tracing_count == 1
    for wrong in ({"a": [1.0, 2.0]}, {"a": [1.0, 2.0], "b": [3.5]}, [1.0, 2.0]):
        with pytest.raises(TypeError, match=r"input_signature|structure"):
            combined(wrong)


def test_none_sizes_of_an_input_signature_reuse_one_trace(counting: Any) -> None:
    normalized, traces = counting(
        lambda x: x - x.sum(axis=0) / x.shape[0], input_signature=[TensorSpec([None, None], "float32")]
    )
    for rows, columns in ((3, 2), (5, 2), (1, 7), (4, 4)):
        values = np.random.default_rng(rows).normal(size=(rows, columns)).astype(np.float32)
        np.testing.assert_allclose(np.asarray(normalized(values)), values - values.mean(axis=0), atol=1e-6)
    assert len(traces) == 1


def test_reduce_retracing_generalizes_first_and_second_shape_trace_third_and_fourth_do_not(counting: Any) -> None:
    total, traces = counting(lambda x: x.sum(), reduce_retracing=True)
    assert [(float(total(ones(size))), len(traces)) for size in (2, 3, 4, 5)] == [(2, 1), (3, 2), (4, 2), (5, 2)]
    assert float(total(ones(2))) == 2.0
    assert len(traces) == 2


def test_separate_function_objects_share_nothing() -> None:
    seen: list[int] = []

    def body(x: Any) -> Any:
        seen.append(1)
        return x

    first, second = function(body), function(body)
    first(ones(2))
    second(ones(2))
    assert len(seen) == 2
    assert (first.tracing_count, second.tracing_count) == (1, 1)


def test_python_print_at_trace_only_and_the_operation_print_at_each_run(capsys: pytest.CaptureFixture[str]) -> None:
    @function
    def loud(x: Any) -> Any:
        print("tracing")
        ops.print(x, format="running {}")
        ops.print(format="again")
        return x * 2

    for value in (1.0, 2.0):
        loud(dt.constant(value))
    assert capsys.readouterr().out.split("\n") == ["tracing", "running 1.0", "again", "running 2.0", "again", ""]


def test_globals_and_closures_are_frozen_at_the_trace_and_variables_read_live() -> None:
    number, tensor, variable = 2.0, ones(), dt.Variable(1.0)

    @function
    def scaled(x: Any) -> Any:
        return x * number * tensor * variable.read_value()

    assert float(scaled(ones())) == 2.0
    number, tensor = 100.0, ones() * 100.0
    assert float(scaled(ones())) == 2.0
    variable.assign(3.0)
    assert float(scaled(ones())) == 6.0


def test_python_if_while_and_for_unroll() -> None:
    @function
    def power(x: Any, times: int) -> Any:
        result = x
        for _ in range(times - 1):
            result = result * x
        while times > 100:
            times -= 1
        return result if times else x

    assert float(power(dt.constant(2.0), 5)) == 32.0
    assert [node.operation for node in power.traces[0].graph.nodes] == [ops.multiply] * 4


@pytest.mark.parametrize("construct", ["if", "while", "float", "numpy"])
def test_python_if_or_while_on_a_tensor_raises_with_the_line_and_the_fix(construct: str) -> None:
    """A departure from TensorFlow, on purpose: docs/decisions, "Python control flow on tensors raises"."""

    @function
    def broken(x: Any) -> Any:
        if construct == "if" and x > 0:
            return x
        while construct == "while" and x > 0:
            return x
        return float(x) if construct == "float" else np.asarray(x)

    with pytest.raises(ConcretizationError, match=r"cond") as caught:
        broken(dt.constant(1.0))
    assert isinstance(caught.value, TypeError)
    assert f"{__file__}:" in str(caught.value.where)


def test_control_flow_on_tensors_becomes_part_of_the_graph() -> None:
    @function
    def collatz(n: Any) -> Any:
        def step(value: Any, count: Any) -> Any:
            return cond(value % 2 == 0, lambda: value // 2, lambda: 3 * value + 1), count + 1

        return while_loop(lambda value, count: value != 1, step, (n, dt.constant(0)))[1]

    assert [int(collatz(dt.constant(n))) for n in (1, 6, 27)] == [0, 8, 111]
    assert collatz.tracing_count == 1

    @function
    def sums(x: Any) -> Any:
        running = scan(lambda total, one: (total + one, total + one), dt.constant(0.0), x)[1]
        return running, fori_loop(0, 3, lambda index, total: total + index, dt.constant(0))

    running, triangular = sums(dt.constant([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(np.asarray(running), [1.0, 3.0, 7.0])
    assert int(triangular) == 3


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


def test_variables_made_on_the_first_call_are_lifted_and_the_function_is_traced_again() -> None:
    layer = Deferred()
    np.testing.assert_array_equal(np.asarray(layer(ones(1, 4))), [[12.0, 12.0]])
    assert layer.traced == 2  # as in TensorFlow: the second trace has no initialization in it
    layer.weight.assign(np.ones((4, 2), np.float32))
    np.testing.assert_array_equal(np.asarray(layer(ones(1, 4))), [[4.0, 4.0]])
    assert layer.traced == 2


def test_making_a_variable_on_a_later_call_raises_with_the_line() -> None:
    kept: list[Any] = []

    @function
    def later(x: Any, make: bool) -> Any:
        if make:
            kept.append(dt.Variable(1.0, name="late"))
        return x

    later(ones(), False)
    with pytest.raises(TraceError, match="not its first call") as caught:
        later(ones(), True)
    assert f"{__file__}:" in str(caught.value.where)
    assert kept == []
    assert later.tracing_count == 1


def test_making_a_variable_at_every_call_raises() -> None:
    @function
    def always(x: Any) -> Any:
        return x + dt.Variable(1.0).read_value()

    with pytest.raises(TraceError, match="at every call"):
        always(ones())


def test_leaked_tensors_raise_when_used() -> None:
    leaked: list[Any] = []

    @function
    def leaking(x: Any) -> Any:
        leaked.append(x * 2)
        return x

    leaking(ones())
    with pytest.raises(LeakedTensorError, match="outside of it") as caught:
        leaked[0] + 1
    assert f"{__file__}:" in str(caught.value.where)
    with pytest.raises(LeakedTensorError):
        function(lambda: leaked[0] * 2)()
    with pytest.raises(LeakedTensorError):
        leaking(leaked[0])


def test_get_concrete_function_and_wrong_types_raise() -> None:
    @function
    def power(x: Any, times: int, *, scale: float = 1.0) -> Any:
        return {"power": x**times * scale}

    concrete = power.get_concrete_function(TensorSpec([None, 2]), 3)
    assert concrete.inputs == (TensorSpec([None, 2], name="x"),)
    assert concrete.structured_input_signature == ((TensorSpec([None, 2], name="x"), 3), {"scale": 1.0})
    assert concrete.structured_outputs == {"power": TensorSpec([None, 2])}
    values = np.arange(4, dtype=np.float32).reshape(2, 2)
    for result in (concrete(values, 3), concrete(dt.constant(values)), concrete(values, times=3, scale=1.0)):
        np.testing.assert_array_equal(np.asarray(result["power"]), values**3)
    for arguments in ((ones(2, 3), 3), (ones(2), 3), (ones(2, 2, dtype=np.int32), 3), (ones(2, 2), 4), ()):
        with pytest.raises(TypeError):
            concrete(*arguments)
    assert power.tracing_count == 1


def test_tf_tracing_type_is_honored(counting: Any) -> None:
    class Ratio:
        def __init__(self, top: int, bottom: int) -> None:
            self.top, self.bottom = top, bottom

        def __tf_tracing_type__(self, context: Any) -> Any:
            return self.top / self.bottom

    times, traces = counting(lambda x, ratio: x * (ratio.top / ratio.bottom))
    assert [float(times(ones(), Ratio(*pair))) for pair in ((1, 2), (2, 4), (3, 4))] == [0.5, 0.5, 0.75]
    assert len(traces) == 2


def test_nested_functions(counting: Any) -> None:
    inner, inner_traces = counting(lambda x: x * 2)
    variable = dt.Variable(1.0)

    @function
    def outer(x: Any) -> Any:
        variable.assign(variable.read_value() + 1.0)
        return inner(inner(x)) + variable.read_value()

    assert [float(outer(ones())) for _ in range(2)] == [6.0, 7.0]
    assert len(inner_traces) == 1
    assert [node.operation for node in outer.traces[0].graph.nodes].count(ops.multiply) == 2


def test_run_functions_eagerly(counting: Any) -> None:
    double, traces = counting(lambda x: x * 2)
    run_functions_eagerly(True)
    try:
        assert functions_run_eagerly()
        for _ in range(3):
            assert float(double(ones())) == 2.0
    finally:
        run_functions_eagerly(False)
    assert len(traces) == 3
    assert double.tracing_count == 0
    double(ones())
    assert double.tracing_count == 1


def test_recursion_gives_a_clear_error_with_the_line() -> None:
    traced: list[int] = []

    @function
    def factorial(n: Any) -> Any:
        traced.append(1)
        return n * factorial(n - 1)

    with pytest.raises(TraceError, match="calls itself") as caught:
        factorial(dt.constant(3.0))
    assert f"{__file__}:" in str(caught.value.where)
    assert len(traced) == 1


def test_endless_recursion_over_python_values_gives_the_same_error() -> None:
    @function
    def endless(x: Any, depth: int) -> Any:
        return endless(x, depth + 1)

    with pytest.raises(TraceError, match="calls itself"):
        endless(ones(), 0)


def test_new_generator_argument_retraces(counting: Any) -> None:
    from dovetail_tensors.random import Generator

    draw, traces = counting(lambda generator: generator.normal((2,)))
    first, second = Generator(1), Generator(1)
    one, other, again = (np.asarray(draw(generator)) for generator in (first, first, second))
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(one, again)
    assert len(traces) == 2
