"""Traced functions and the device where what they make is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import TensorSpec, function
from dovetail_protocols import devices
from dovetail_protocols import operations as ops
from dovetail_protocols.metas import Device

ACME = Device("acme", 1)


class Handle:
    def __init__(self, array: Any) -> None:
        self.hidden, self.shape = np.array(array), array.shape


class AcmeDevice:
    def from_host(self, array: Any, index: int) -> Handle:
        return Handle(array)

    def to_host(self, buffer: Handle) -> Any:
        return buffer.hidden


@pytest.fixture(autouse=True)
def acme(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two devices "acme" are installed, without kernels."""
    monkeypatch.setitem(devices._found, "acme", (AcmeDevice(), ["first", "second"]))


def test_a_trace_belongs_to_the_device_on_which_new_tensors_are_made() -> None:
    @function
    def made() -> Any:
        return dt.zeros(3), ops.arange(start=2), 1.0

    assert {one.device for one in made()} == {Device()}
    with dt.device("acme:1"):
        there = made.get_concrete_function()
    assert {value.meta.device for value in there.graph.outputs} == {ACME}
    assert {one.device for one in made()} == {Device()}
    assert made.tracing_count == 2


def test_numbers_beside_tensors_are_constants_on_their_device() -> None:
    scaled = function(lambda x: ops.where(x > 0, x * 2, 0.0))
    graph = scaled.get_concrete_function(TensorSpec([3], device="acme:1")).graph
    assert {value.meta.device for value in graph.values()} == {ACME}


def test_a_spec_is_for_the_current_device_where_none_is_given() -> None:
    assert TensorSpec([3]).device == Device()
    with dt.device("acme:1"):
        assert TensorSpec([3]).device == ACME
        assert "device='acme:1'" in repr(TensorSpec([3]))


def test_arguments_of_an_input_signature_go_to_its_device() -> None:
    scaled = function(lambda x: x * 2, input_signature=[TensorSpec([2], device="acme:1")])
    (argument,) = scaled._arguments(([1.0, 2.0],), {}).arrays
    assert (argument.device, argument.tolist()) == (ACME, [1, 2])
