"""Traces as plain data: what exporters are told, and what can't be told."""

from __future__ import annotations

from typing import Any

import pytest

import dovetail_tensors as dt
from dovetail_functions import TensorSpec, function
from dovetail_protocols.errors import SignatureError
from dovetail_protocols.functions import FunctionMaker, Slot, SupportsExport, SupportsSignatures
from dovetail_protocols.graph import evaluate
from dovetail_protocols.graph_json import template_from_json, to_json
from dovetail_protocols.plugins import find
from dovetail_protocols.plugins.versions import offered_by


def run(one: Any, sizes: tuple[int, ...], *arrays: Any) -> list[Any]:
    """The outputs of an exported trace after a way through JSON."""
    template = template_from_json(to_json(one.template))
    assert template.serves(sizes)
    values = [variable.read_value() for variable in one.variables]
    return [output.tolist() for output in evaluate(template.specialized(sizes), (*arrays, *values))]


def test_functions_and_concrete_functions_can_be_exported() -> None:
    doubled = function(lambda x: x * 2.0)
    assert isinstance(doubled, SupportsExport)
    assert isinstance(doubled, SupportsSignatures)
    assert isinstance(doubled.get_concrete_function(TensorSpec([2])), SupportsExport)
    assert function(lambda x: x).exported() == []


def test_arguments_and_result_are_structures_of_slots_and_plain_values() -> None:
    @function
    def scaled(params: Any, *, factor: float = 2.0, mode: str = "up") -> Any:
        return {"all": [params["w"] * factor, params["b"]], "mode": None}

    scaled({"w": dt.constant([1.0]), "b": dt.constant(3)})
    (one,) = scaled.exported()
    assert one.name == "scaled"
    assert one.arguments == (({"b": Slot(0), "w": Slot(1)},), {"factor": 2.0, "mode": "up"})
    assert one.input_names == ("params['b']", "params['w']")
    assert one.result == {"all": [Slot(0), Slot(1)], "mode": None}
    assert list(one.convention.parameters) == ["params", "factor", "mode"]  # type: ignore[union-attr] # it is known
    assert run(one, (), dt.constant(3), dt.constant([1.5])) == [[3.0], 3]


def test_a_trace_of_unknown_sizes_is_one_template_that_serves_any() -> None:
    @function(input_signature=[TensorSpec([None, 2])])
    def mean(x: Any) -> Any:
        return dt.reshape(x, (x.shape[0] * 2,)), dt.sum(x) / x.shape[0]

    (one,) = mean.exported()
    assert one.template.hints == (5,)
    for rows in (1, 3, 8):
        assert run(one, (rows,), dt.ones((rows, 2))) == [[1.0] * rows * 2, 2.0]


def test_sizes_that_guards_single_out_have_traces_of_their_own() -> None:
    @function(input_signature=[TensorSpec([None]), TensorSpec([None])])
    def total(x: Any, y: Any) -> Any:
        if x.shape[0] == 4:
            x = x * 2.0
        return x + y if x.shape[0] in (1, y.shape[0]) else dt.sum(x) + dt.sum(y)

    several = total.exported()
    for mine, other in [(5, 7), (7, 5), (4, 4), (3, 3), (4, 9), (1, 4), (4, 1), (1, 1)]:
        serving = [one for one in several if one.template.serves((mine, other))]
        assert serving, (mine, other)
        x, y = dt.ones((mine,)), dt.ones((other,))
        assert run(serving[0], (mine, other), x, y) == [total(x, y).tolist()]


def test_thresholds_and_remainders_have_traces_for_either_side() -> None:
    @function(input_signature=[TensorSpec([None])])
    def halved(x: Any) -> Any:
        if x.shape[0] > 8:
            x = x * 2.0
        return dt.reshape(x, (x.shape[0] // 2, 2)) if x.shape[0] % 2 == 0 else x

    several = halved.exported()
    for rows in (2, 3, 7, 8, 9, 10, 100, 101):
        (serving,) = [one for one in several if one.template.serves((rows,))]
        assert run(serving, (rows,), dt.ones((rows,))) == [halved(dt.ones((rows,))).tolist()]


def test_a_size_that_the_function_refuses_has_no_trace() -> None:
    @function(input_signature=[TensorSpec([None])])
    def several_rows(x: Any) -> Any:
        if x.shape[0] == 1:
            raise RuntimeError("one row is no batch")
        return x * 2.0

    (one,) = several_rows.exported()
    assert not one.template.serves((1,))


def test_variables_follow_the_inputs_and_states_say_which_are_assigned() -> None:
    count, step = dt.Variable(0.0, name="count"), dt.Variable(2.0, name="step")

    @function
    def counted(x: Any) -> Any:
        count.assign(count.read_value() + step.read_value())
        return x + count.read_value()

    counted(dt.constant(1.0))
    (one,) = counted.exported()
    assert [variable.name for variable in one.variables] == ["count", "step"]
    assert [(state.input, state.output) for state in one.template.graph.states] == [(1, 1), (2, None)]


def test_a_trace_for_an_object_is_refused_and_the_argument_named() -> None:
    class Switch:
        pass

    @function
    def switched(x: Any, switch: Any) -> Any:
        return x * 1.0

    switched(dt.constant(1.0), Switch())  # the object is gone, and with it the trace
    assert switched.exported() == []
    switch = Switch()
    switched(dt.constant(1.0), switch)
    with pytest.raises(SignatureError, match=r"argument switch(.|\n)*a Switch"):
        switched.exported()


def test_the_package_is_found_as_a_maker_of_functions() -> None:
    (plugin,) = [plugin for plugin in find("dovetail.functions.v1") if plugin.name == "dovetail"]
    maker = offered_by(plugin)
    assert isinstance(maker, FunctionMaker)
    made = maker.function(lambda x: x + 1.0, name="next")
    assert float(made(dt.constant(1.0))) == 2.0
    assert made.name == "next"
