"""What a trace is looked up by, the quick way included."""

from __future__ import annotations

import gc
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import TensorSpec, function
from dovetail_functions.quick import QuickCall
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import SignatureError


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    return dt.constant(np.ones(shape, dtype))


class Point(NamedTuple):
    x: Any
    y: Any


def test_numpy_arrays_and_lists_of_numbers_become_tensors_at_the_boundary(counting: Any) -> None:
    total, traces = counting(lambda x: ops.sum(x))
    for values in ([1.0, 2.0], [3.0, 4.0], np.array([5.0, 6.0], np.float32), dt.constant([7.0, 8.0])):
        assert float(total(values)) == float(np.sum(np.asarray(values)))
    assert len(traces) == 1
    assert float(total([[1.0, 2.0], [3.0, 4.0]])) == 10.0
    assert float(total(np.float32(2.0))) == 2.0
    assert len(traces) == 3


def test_tuples_and_lists_of_other_things_keep_their_structure(counting: Any) -> None:
    combined, traces = counting(lambda items, sizes: items[0] * items[1]["a"] * sizes[0])
    assert float(combined([ones(), {"a": ones()}], (2, 3))) == 2.0
    assert float(combined([ones(), {"a": ones()}], (2, 3))) == 2.0
    assert float(combined([ones(), {"a": ones()}], (5, 3))) == 5.0
    assert len(traces) == 2


def test_named_tuples_and_empty_containers(counting: Any) -> None:
    difference, traces = counting(lambda point, rest: point.x - point.y)
    assert float(difference(Point(ones() * 3, ones()), [])) == 2.0
    assert float(difference(Point(ones() * 3, ones()), ())) == 2.0
    assert len(traces) == 2


def test_calls_that_mean_the_same_share_a_trace(counting: Any) -> None:
    def body(x: Any, scale: float = 2.0, *, shift: float = 0.0) -> Any:
        return x * scale + shift

    traced = function(body)
    calls: list[Any] = [((ones(),), {}), ((ones(), 2.0), {}), ((ones(),), {"scale": 2.0}), ((), {"x": ones()})]
    calls += [((ones(),), {"shift": 0.0}), ((), {"scale": 2.0, "x": ones(), "shift": 0.0})]
    for _ in range(2):
        assert [float(traced(*args, **kwargs)) for args, kwargs in calls] == [2.0] * len(calls)
    assert traced.tracing_count == 1


def test_keyword_arguments_in_another_order_are_not_mixed_up() -> None:
    difference = function(lambda x, y: x - y)
    for _ in range(3):
        assert float(difference(x=ones() * 5, y=ones())) == 4.0
        assert float(difference(y=ones() * 5, x=ones())) == -4.0
    same = ones()
    for _ in range(2):
        assert float(difference(y=same, x=same)) == 0.0
    assert float(difference(y=ones() * 3, x=ones())) == -2.0
    assert difference.tracing_count == 1


def test_the_quick_way_checks_values_kinds_and_objects() -> None:
    class Scale:
        def __init__(self, factor: float) -> None:
            self.factor = factor

    scaled = function(lambda x, scale, power: x * scale.factor * power)
    first, second = Scale(2.0), Scale(3.0)
    for _ in range(3):
        assert float(scaled(ones(), first, 1)) == 2.0
        assert float(scaled(ones(), second, 1)) == 3.0
        assert float(scaled(ones(), first, True)) == 2.0
        assert float(scaled(ones(), first, 1.5)) == 3.0
    assert scaled.tracing_count == 4
    for factor in range(50):  # each new object may get the id of one that died
        assert float(scaled(ones(), Scale(float(factor)), 1)) == factor
    gc.collect()
    assert len(scaled.traces) == 4


def test_the_quick_way_does_not_serve_an_object_that_took_another_s_id() -> None:
    class Thing:
        pass

    thing = Thing()
    quick = QuickCall(None, [], 1, [(0, weakref.ref(thing))], [])  # type: ignore[arg-type] # it is not run
    assert quick.serves([thing])
    assert not quick.serves([Thing()])


def test_the_quick_way_tells_positive_from_negative_zero() -> None:
    signs = function(lambda x, value: ops.copysign(x, value))
    for _ in range(3):
        assert float(signs(ones(), 0.0)) == 1.0
        assert float(signs(ones(), -0.0)) == -1.0


def test_nan_does_not_retrace(counting: Any) -> None:
    times, traces = counting(lambda x, value: x * value)
    for _ in range(2):
        assert np.isnan(float(times(ones(), float("nan"))))
    assert len(traces) == 1


def test_tensors_among_the_defaults_are_used() -> None:
    default = ones() * 7

    def body(x: Any, y: Any = default) -> Any:
        return x * y

    traced = function(body)
    for _ in range(2):
        assert float(traced(ones())) == 7.0
        assert float(traced(ones(), ones() * 2)) == 2.0
    assert traced.tracing_count == 1


def test_functions_methods_and_hashable_values_as_arguments(counting: Any) -> None:
    class Doubler:
        def double(self, x: Any) -> Any:
            return x * 2

    doubler = Doubler()
    applied, traces = counting(lambda f, x, kind: f(x))
    for f in (ops.tanh, doubler.double, doubler.double, ops.tanh):
        applied(f, ones(), dt.float32)
    assert len(traces) == 2
    applied(ops.tanh, ones(), dt.float64)
    assert len(traces) == 3


def test_an_argument_that_can_be_told_by_nothing_raises() -> None:
    class Opaque:
        __slots__ = ()
        __hash__ = None  # type: ignore[assignment] # that is what is tested

    with pytest.raises(SignatureError, match="can't be told") as caught:
        function(lambda x, tree: x)(ones(), {"a": [ones(), Opaque()]})
    assert caught.value.where == "argument tree['a'][1]"


def test_wrong_arguments_raise_type_errors_that_show_the_signature() -> None:
    def body(x: Any, *, scale: float) -> Any:
        return x

    for args, kwargs in (((), {}), ((1, 2), {"scale": 1.0}), ((1,), {"other": 2})):
        with pytest.raises(TypeError, match=r"body doesn't take these arguments") as caught:
            function(body)(*args, **kwargs)
        assert "scale" in str(caught.value.expected)  # type: ignore[attr-defined] # a SignatureError


def test_variadic_arguments(counting: Any) -> None:
    total, traces = counting(lambda *args, **kwargs: sum(args, kwargs["start"]))
    assert float(total(ones(), ones(), start=ones())) == 3.0
    assert float(total(ones(), start=ones())) == 2.0
    assert len(traces) == 2
    assert "args[1]: float32[]" in str(function(lambda *args: args[1]).get_concrete_function(ones(), ones()))


@pytest.mark.parametrize("shape", [3, "ab", [-1], [2.5], [True], None])
def test_a_spec_of_no_shape_raises(shape: Any) -> None:
    with pytest.raises(SignatureError, match="TensorSpec"):
        TensorSpec(shape)


def test_a_signature_of_something_else_than_specs_raises() -> None:
    with pytest.raises(SignatureError, match="no TensorSpec"):
        function(input_signature=[TensorSpec([2]), "float32"])(lambda x, y: x)


def test_specs_are_values() -> None:
    assert TensorSpec([None, 3], "float64", name="x") == TensorSpec((None, 3), dt.float64, "x")
    assert repr(TensorSpec([None, 3])) == "TensorSpec((None, 3), float32)"
    assert hash(TensorSpec([2])) == hash(TensorSpec([2]))


def test_results_keep_their_structure_and_numbers_become_tensors() -> None:
    result = function(lambda x: {"a": (x, [1, 2.5]), "b": None, "c": "text", "p": Point(3, np.ones(2, np.float32))})(
        ones()
    )
    assert float(result["a"][0]) == 1.0
    np.testing.assert_array_equal(np.asarray(result["a"][1]), [1.0, 2.5])
    assert (result["b"], result["c"]) == (None, "text")
    assert type(result["p"]) is Point
    assert result["p"].x.dtype is dt.int32
    assert result["p"].y.shape == (2,)


def test_concrete_functions_from_an_input_signature() -> None:
    @function(input_signature=[{"x": TensorSpec([None, 2])}])
    def total(tree: Any) -> Any:
        return ops.sum(tree["x"], axis=0)

    concrete = total.get_concrete_function()
    assert concrete.structured_outputs == TensorSpec([2])
    np.testing.assert_array_equal(np.asarray(concrete({"x": np.ones((3, 2), np.float32)})), [3.0, 3.0])
    assert total.tracing_count == 1
    total({"x": np.ones((5, 2), np.float32)})
    assert total.tracing_count == 1
    assert repr(concrete) == "<concrete function total(tree['x']: float32[?,2])>"


def test_traces_are_listed() -> None:
    weight = dt.Variable(np.ones(3, np.float32))

    @function
    def step(x: Any, training: bool = True) -> Any:
        if training:
            weight.assign(weight.read_value() * x)
        return weight.read_value()

    step(ones(3))
    step(ones(3), training=False)
    assert str(step).splitlines() == [
        "function step, 2 traces",
        "  1. (x: float32[3], training=True): 1 node, 1 variable, 1 assigned",
        "  2. (x: float32[3], training=False): 0 nodes, 1 variable",
    ]


def test_numpy_arrays_take_the_quick_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    difference = function(lambda x, y, scale=1.0: (x - y) * scale)
    first, second = np.full(2, 5.0, np.float32), np.ones(2, np.float32)
    for _ in range(2):
        np.testing.assert_array_equal(np.asarray(difference(first, second)), [4.0, 4.0])
        np.testing.assert_array_equal(np.asarray(difference(y=first, x=second)), [-4.0, -4.0])
    monkeypatch.setattr(type(difference), "_arguments", None)  # the long way
    np.testing.assert_array_equal(np.asarray(difference(second, first)), [-4.0, -4.0])
    np.testing.assert_array_equal(np.asarray(difference(y=second, x=first)), [4.0, 4.0])
    np.testing.assert_array_equal(np.asarray(difference(first, dt.constant(second))), [4.0, 4.0])
    with pytest.raises(TypeError):
        difference(first.astype(np.float64), second)


def test_a_callable_object_can_be_a_function() -> None:
    class Model:
        def __init__(self) -> None:
            self.name, self.options, self.python_function = "model", 1, 2

        def __call__(self, x: Any) -> Any:
            return x * 2.0

    traced = function(Model())
    assert float(traced(ones())) == 2.0
    assert traced.name == "Model"
