"""Functions as methods, and copies of functions."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import Function, TensorSpec, function
from dovetail_protocols.errors import SignatureError


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    return dt.constant(np.ones(shape, dtype))


class Scale:
    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.traced = 0

    @function
    def plain(self, x: Any) -> Any:
        self.traced += 1
        return x * self.factor

    @function(input_signature=[TensorSpec([None])])
    def specified(self, x: Any) -> Any:
        """Scaled."""
        self.traced += 1
        return x * self.factor

    @staticmethod
    @function
    def static(x: Any) -> Any:
        return x * 2.0


def test_each_instance_has_traces_of_its_own() -> None:
    first, second = Scale(2.0), Scale(3.0)
    for _ in range(2):
        assert float(first.plain(ones())) == 2.0
        assert float(second.plain(ones())) == 3.0
    assert (first.traced, second.traced) == (1, 1)
    assert first.plain is first.plain
    assert first.plain is not second.plain
    assert first.plain.tracing_count == 1


def test_a_method_with_options() -> None:
    scale = Scale(2.0)
    for size in (2, 3):
        np.testing.assert_array_equal(np.asarray(scale.specified(ones(size))), np.full(size, 2.0))
    assert scale.traced == 1
    assert scale.specified.__doc__ == "Scaled."


def test_a_function_of_the_class_takes_the_instance_as_an_argument_by_identity() -> None:
    first, second = Scale(2.0), Scale(3.0)
    assert isinstance(Scale.plain, Function)
    assert [float(Scale.plain(scale, ones())) for scale in (first, second, first)] == [2.0, 3.0, 2.0]
    assert Scale.plain.tracing_count == 2


def test_static_methods() -> None:
    assert float(Scale.static(ones())) == float(Scale(1.0).static(ones())) == 2.0


def test_an_instance_that_can_not_be_referred_to_weakly_raises() -> None:
    class Slotted:
        __slots__ = ()

        @function
        def method(self, x: Any) -> Any:
            return x

    with pytest.raises(SignatureError, match="weakly"):
        Slotted().method(ones())


def test_a_copied_instance_has_functions_of_its_own() -> None:
    first = Scale(2.0)
    first.plain(ones())
    second = copy.deepcopy(first)
    second.factor = 5.0
    assert float(second.plain(ones())) == 5.0
    assert float(first.plain(ones())) == 2.0


class Holder:
    """Keeps a function of a method of its own in an attribute."""

    def __init__(self) -> None:
        self.weight = dt.Variable(1.0)
        self.step = function(self.double)

    def double(self, x: Any) -> Any:
        return x * self.weight.read_value() * 2.0


def test_a_deep_copy_of_a_function_calls_the_copied_object() -> None:
    first = Holder()
    assert float(first.step(ones())) == 2.0
    second = copy.deepcopy(first)
    second.weight.assign(10.0)
    assert float(second.step(ones())) == 20.0
    assert float(first.step(ones())) == 2.0


@function
def module_level(x: Any) -> Any:
    return x + 1.0


def test_a_function_of_a_module_pickles_by_name() -> None:
    assert pickle.loads(pickle.dumps(module_level)) is module_level


def test_the_decorated_function_s_name_and_documentation_are_kept() -> None:
    @function
    def documented(x: Any) -> Any:
        """Adds one."""
        return x + 1

    assert (documented.__name__, documented.__doc__) == ("documented", "Adds one.")
    assert repr(documented) == "<function documented: 0 traces>"
