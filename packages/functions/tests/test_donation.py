"""Variables' buffers that compiled parts overwrite in place: only where nobody else could see it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import function
from dovetail_protocols import operations as ops


def test_a_state_is_updated_in_place_where_nobody_else_holds_its_buffer(overwriting: Any) -> None:
    weight = dt.Variable(np.zeros(4, np.float32))
    step = function(lambda x: weight.assign(weight.read_value() * 2.0 + x).sum())
    step(dt.constant(1.0))
    place = weight.payload.__array_interface__["data"]
    for _ in range(3):
        step(dt.constant(1.0))
    assert len(overwriting.donated) == 1
    assert weight.payload.__array_interface__["data"] == place
    np.testing.assert_array_equal(np.asarray(weight.read_value()), np.full(4, 15.0))


def test_tensors_read_before_never_change_although_buffers_are_donated(overwriting: Any) -> None:
    weight = dt.Variable(np.zeros(4, np.float32))
    step = function(lambda x: weight.assign(weight.read_value() + x))
    seen: list[Any] = [weight.read_value()]
    for _ in range(4):
        seen += [step(dt.constant(1.0)), weight.read_value()[1:]]
    firsts = [float(array[0]) for array in seen]
    assert firsts == [0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]


def test_an_error_puts_donated_buffers_back(overwriting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = dt.Variable(np.zeros(4, np.float32))
    step = function(lambda x: weight.assign(weight.read_value() + x).sum())
    for _ in range(2):
        step(dt.constant(1.0))
    call = next(iter(step.traces[0]._calls.values()))

    def failing(*buffers: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(call.program, "run", failing)
    with pytest.raises(KeyboardInterrupt):
        step(dt.constant(1.0))
    np.testing.assert_array_equal(np.asarray(weight.read_value()), np.full(4, 2.0))


def test_old_values_that_are_returned_or_used_elsewhere_are_not_donated(
    overwriting: Any, installed: Any, claiming: Any
) -> None:
    returned, used, plain = (dt.Variable(np.zeros(4, np.float32), name=name) for name in ("returned", "used", "plain"))
    overwriting.choose = claiming("add", "multiply")

    @function
    def step(x: Any) -> Any:
        before = returned.read_value()
        view = ops.reshape(used.read_value(), shape=(2, 2))
        for variable in (returned, used, plain):
            variable.assign(variable.read_value() + x)
        return before, view

    for _ in range(2):
        before, view = step(dt.constant(1.0))
    assert len(overwriting.donated) == 1
    np.testing.assert_array_equal(np.asarray(before), np.ones(4))
    np.testing.assert_array_equal(np.asarray(view), np.ones((2, 2)))


def test_nothing_is_donated_to_a_part_that_others_follow(overwriting: Any, claiming: Any) -> None:
    weight = dt.Variable(np.zeros(4, np.float32))
    overwriting.choose = claiming("add")
    step = function(lambda x: ops.tanh(weight.assign(weight.read_value() + x)))
    step(dt.constant(1.0))
    assert overwriting.donated == frozenset()
