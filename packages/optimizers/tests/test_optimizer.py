"""What all optimizers share: refusals that change nothing, clipping, the learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_optimizers import SGD, Adam, schedules
from dovetail_protocols.errors import (
    AttributeValueError,
    GradientError,
    ShapeError,
    StructureError,
)
from dovetail_tensors import Variable, constant


def state_of(optimizer: Any, *variables: Any) -> list[Any]:
    return [variable.payload.copy() for variable in (*optimizer.variables, *variables)]


def test_no_gradient_at_all_is_refused_and_named() -> None:
    with pytest.raises(GradientError, match="sgd got no gradient at all") as caught:
        SGD().apply_gradients([(None, Variable(1.0, name="kernel"))])
    assert "kernel" in str(caught.value)


def test_gradient_none_leaves_its_variable_alone() -> None:
    first, second = Variable(1.0), Variable(1.0)
    SGD(0.5).apply_gradients([(constant(1.0), first), (None, second)])
    assert (float(first.payload), float(second.payload)) == (0.5, 1.0)


def test_gradient_of_another_shape_changes_nothing() -> None:
    first, second = Variable([1.0, 2.0], name="first"), Variable([1.0, 2.0], name="second")
    optimizer = Adam()
    optimizer.build([first, second])
    before = state_of(optimizer, first, second)
    with pytest.raises(ShapeError, match="isn't shaped like its variable") as caught:
        optimizer.apply_gradients([(constant([1.0, 1.0]), first), (constant([1.0]), second)])
    assert "second" in str(caught.value)
    np.testing.assert_equal(state_of(optimizer, first, second), before)


def test_variables_it_was_not_built_for_are_refused() -> None:
    optimizer = SGD()
    optimizer.build([Variable(1.0, name="known")])
    with pytest.raises(StructureError, match="built for other variables"):
        optimizer.apply_gradients([(constant(1.0), Variable(1.0, name="other"))])


def test_variable_listed_twice_is_refused() -> None:
    variable = Variable(1.0)
    with pytest.raises(StructureError, match="listed twice"):
        Adam().build([variable, variable])


def test_variable_with_two_gradients_is_refused_at_any_step() -> None:
    variable, optimizer = Variable(1.0), SGD(0.5)
    for _ in range(2):
        with pytest.raises(StructureError, match="stands twice"):
            optimizer.apply_gradients([(constant(1.0), variable), (constant(1.0), variable)])
        optimizer.apply_gradients([(constant(0.0), variable)])
    assert float(variable.payload) == 1.0


def test_state_before_build_has_no_slots_and_tells_when_they_are_made() -> None:
    optimizer, told = Adam(), []
    assert set(optimizer.checkpoint_state()) == {"iterations", "learning_rate"}
    optimizer.observe_state(lambda name: told.append((name, len(optimizer.checkpoint_state()))))
    optimizer.build([Variable(1.0)])
    assert told == [("slots", 4)]


def test_learning_rate_can_be_assigned() -> None:
    optimizer, variable = SGD(1.0), Variable(10.0)
    optimizer.apply_gradients([(constant(1.0), variable)])
    optimizer.learning_rate = 0.5
    optimizer.apply_gradients([(constant(1.0), variable)])
    assert float(variable.payload) == 8.5


def test_scheduled_learning_rate_follows_the_step_and_refuses_assignment() -> None:
    optimizer, variable = SGD(schedules.ExponentialDecay(1.0, 1, 0.5)), Variable(10.0)
    for expected in (9.0, 8.5, 8.25):
        optimizer.apply_gradients([(constant(1.0), variable)])
        assert float(variable.payload) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(AttributeValueError, match="follows a schedule"):
        optimizer.learning_rate = 0.1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"clipvalue": 1.0}, ([1.0, -1.0], [0.5])),
        ({"clipnorm": 1.0}, ([0.6, -0.8], [0.5])),
        ({"global_clipnorm": 1.0}, ([3 / 25.25**0.5, -4 / 25.25**0.5], [0.5 / 25.25**0.5])),
        ({"global_clipnorm": 10.0}, ([3.0, -4.0], [0.5])),
    ],
)
def test_gradients_are_clipped(options: dict[str, float], expected: Any) -> None:
    first, second = Variable([0.0, 0.0]), Variable([0.0])
    SGD(1.0, **options).apply_gradients([(constant([3.0, -4.0]), first), (constant([0.5]), second)])
    np.testing.assert_allclose(-first.payload, expected[0], rtol=1e-6)
    np.testing.assert_allclose(-second.payload, expected[1], rtol=1e-6)


def test_clipping_in_two_ways_is_refused() -> None:
    with pytest.raises(AttributeValueError, match="one way only"):
        SGD(clipnorm=1.0, clipvalue=1.0)


def test_infinite_global_norm_shows_as_nan() -> None:
    variable = Variable([0.0, 0.0])
    SGD(1.0, global_clipnorm=1.0).apply_gradients([(constant([float("inf"), 1.0]), variable)])
    assert np.isnan(variable.payload).all()
