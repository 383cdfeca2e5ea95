"""GradientTape used as it can't be: what it says, and that it stays usable."""

from __future__ import annotations

import pytest

from dovetail_autodiff import GradientTape
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current
from dovetail_protocols.errors import AttributeValueError, ShapeError, SignatureError, StructureError, TapeError
from dovetail_tensors import Variable, constant


def test_entering_twice_raises() -> None:
    with GradientTape() as tape, pytest.raises(TapeError, match="recording already"), tape:
        pass
    assert current() is None


def test_a_tape_may_be_entered_again_after_it_was_left() -> None:
    x = Variable(3.0)
    tape = GradientTape()
    with tape:
        first = x * x
    with tape:
        value = first * x
    assert float(tape.gradient(value, x)) == 27.0


def test_a_body_that_raises_leaves_no_tape_in_force() -> None:
    with pytest.raises(ValueError, match="on purpose"), GradientTape():
        raise ValueError("on purpose")
    assert current() is None


def test_operations_after_the_body_are_not_noted() -> None:
    x = Variable(3.0)
    with GradientTape() as tape:
        first = x * x
    second = first * x
    assert tape.gradient(second, x) is None


@pytest.mark.parametrize("wrong", [3.0, "x", [1.0], {"x": object()}])
def test_a_source_that_is_no_array_is_named(wrong: object) -> None:
    x = Variable(1.0)
    with GradientTape() as tape:
        value = x * x
    with pytest.raises(SignatureError, match=r"GradientTape\.gradient, sources"):
        tape.gradient(value, wrong)
    assert float(tape.gradient(value, x)) == 2.0  # a refused call doesn't count


def test_unknown_unconnected_gradients_is_refused() -> None:
    with pytest.raises(AttributeValueError, match="unconnected_gradients"):
        GradientTape().gradient(constant(1.0), constant(1.0), unconnected_gradients="zeros")


def test_output_gradients_must_fit() -> None:
    x = Variable([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        value = x * x
    with pytest.raises(ShapeError, match=r"expected: \(2,\)"):
        tape.gradient(value, x, output_gradients=constant([1.0, 2.0, 3.0]))
    with pytest.raises(StructureError, match="output_gradients"):
        tape.gradient(value, x, output_gradients=[constant([1.0, 2.0])])


def test_batch_jacobian_refuses_different_batches() -> None:
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        value = ops.sum(x * x)
    with pytest.raises(ShapeError, match="same batch size"):
        tape.batch_jacobian(value, x)
