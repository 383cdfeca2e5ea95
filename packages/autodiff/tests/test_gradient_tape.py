"""GradientTape: one test for each line of TensorFlow's list."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail_autodiff import GradientTape, custom_gradient, stop_gradient
from dovetail_autodiff.extend import GRADIENTS, NOT_DIFFERENTIABLE, PULLBACKS
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import (
    GradientError,
    TapeError,
)
from dovetail_tensors import Variable, constant

# ---------------------------------------------------------------------- what is watched


def test_trainable_variables_are_watched_by_themselves() -> None:
    variable = Variable(3.0)
    with GradientTape() as tape:
        value = variable * variable
    assert float(tape.gradient(value, variable)) == 6.0


def test_constants_and_non_trainable_variables_give_none() -> None:
    x0 = Variable(3.0, name="x0")
    x1 = Variable(3.0, name="x1", trainable=False)
    x2 = Variable(2.0, name="x2") + 1.0  # a tensor, not a variable
    x3 = constant(3.0)
    with GradientTape() as tape:
        value = x0**2 + x1**2 + x2**2 + x3**2
    gradients = tape.gradient(value, [x0, x1, x2, x3])
    assert float(gradients[0]) == 6.0
    assert gradients[1:] == [None, None, None]


def test_watch_makes_a_constant_a_source() -> None:
    x = constant(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        value = x**2
    assert float(tape.gradient(value, x)) == 6.0


def test_watch_takes_containers_and_non_trainable_variables() -> None:
    x, frozen = constant(3.0), Variable(2.0, trainable=False)
    with GradientTape() as tape:
        tape.watch({"x": x, "rest": [frozen]})
        value = x * frozen
    assert [float(g) for g in tape.gradient(value, [x, frozen])] == [2.0, 3.0]


def test_watch_accessed_variables_false_watches_only_what_is_named() -> None:
    x0, x1 = Variable(0.0), Variable(10.0)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x1)
        value = x0 * x0 + x1 * x1
    gradients = tape.gradient(value, {"x0": x0, "x1": x1})
    assert gradients["x0"] is None
    assert float(gradients["x1"]) == 20.0


def test_watched_variables_lists_each_variable_once_in_order_of_reading() -> None:
    first, second, unread = Variable(1.0), Variable(2.0), Variable(3.0)
    with GradientTape() as tape:
        for variable in (second, first, second):
            variable.read_value()
    watched = tape.watched_variables()
    assert [id(variable) for variable in watched] == [id(second), id(first)]
    assert unread not in watched


# ---------------------------------------------------------------------- sources and targets


def test_gradients_mirror_nesting_and_shape_of_sources() -> None:
    weights, bias = Variable(np.ones((3, 2), np.float32)), Variable(np.zeros(2, np.float32))
    x = constant([[1.0, 2.0, 3.0]])
    with GradientTape(persistent=True) as tape:
        loss = ops.sum((ops.matmul(x, weights) + bias) ** 2)
    as_list = tape.gradient(loss, [weights, bias])
    assert [gradient.shape for gradient in as_list] == [(3, 2), (2,)]
    as_dict = tape.gradient(loss, {"w": weights, "deep": ({"b": bias},)})
    np.testing.assert_allclose(as_dict["w"].numpy(), np.outer([1.0, 2.0, 3.0], [12.0, 12.0]))
    np.testing.assert_allclose(as_dict["deep"][0]["b"].numpy(), [12.0, 12.0])


def test_several_targets_are_summed() -> None:
    x = Variable(2.0)
    with GradientTape() as tape:
        first = x**2
        second = 1 / x
    assert float(tape.gradient({"first": first, "second": second}, x)) == 3.75


def test_a_target_that_is_no_scalar_is_summed() -> None:
    x = Variable(2.0)
    with GradientTape() as tape:
        value = x * constant([3.0, 4.0])
    assert float(tape.gradient(value, x)) == 7.0


def test_a_tape_gives_gradients_once() -> None:
    x = Variable(2.0)
    with GradientTape() as tape:
        value = x * x
    tape.gradient(value, x)
    with pytest.raises(TapeError, match="persistent=True"):
        tape.gradient(value, x)


def test_a_persistent_tape_gives_gradients_many_times() -> None:
    x = constant([1.0, 3.0])
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        squared = x * x
        fourth = squared * squared
    np.testing.assert_allclose(tape.gradient(fourth, x).numpy(), [4.0, 108.0])
    np.testing.assert_allclose(tape.gradient(squared, x).numpy(), [2.0, 6.0])
    np.testing.assert_allclose(tape.gradient(fourth, x).numpy(), [4.0, 108.0])


def test_intermediate_results_can_be_sources() -> None:
    x = constant(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        squared = x * x
        fourth = squared * squared
    gradients = tape.gradient(fourth, [squared, x])
    assert [float(gradient) for gradient in gradients] == [18.0, 108.0]


def test_the_gradient_of_a_source_by_itself_is_one() -> None:
    x = Variable(3.0)
    with GradientTape() as tape:
        value = x.read_value()
    assert float(tape.gradient(value, value)) == 1.0


def test_only_the_taken_branch_gets_a_gradient() -> None:
    condition, v0, v1 = constant(True), Variable(2.0), Variable(2.0)
    with GradientTape() as tape:
        value = v0.read_value() if condition else v1**2
    gradients = tape.gradient(value, [v0, v1])
    assert float(gradients[0]) == 1.0
    assert gradients[1] is None


def test_output_gradients_weigh_the_targets() -> None:
    x = Variable(2.0)
    with GradientTape() as tape:
        first, second = x * 3.0, x * constant([1.0, 10.0])
    weights = [constant(2.0), constant([1.0, 0.5])]
    assert float(tape.gradient([first, second], x, output_gradients=weights)) == 2 * 3 + 1 + 5


def test_a_complex_gradient_is_that_of_tensorflow() -> None:
    """tf.GradientTape gives the conjugate of the derivative of a holomorphic function: conj(2z) for z²."""
    z = constant(3.0 + 4.0j)
    with GradientTape() as tape:
        tape.watch(z)
        value = z * z
    assert complex(tape.gradient(value, z)) == 6.0 - 8.0j


# ---------------------------------------------------------------------- None


def test_disconnected_gives_none() -> None:
    x, y = Variable(2.0), Variable(3.0)
    with GradientTape() as tape:
        value = y * y
    assert tape.gradient(value, x) is None


def test_integers_give_none() -> None:
    x = constant(10)
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        product = x * x
        floating = ops.cast(x, dtype="float32") * 2.0
    assert tape.gradient(product, x) is None
    assert tape.gradient(floating, x) is None


def test_a_numpy_detour_gives_none() -> None:
    x = Variable([[1.0, 2.0], [3.0, 4.0]])
    with GradientTape() as tape:
        squared = x**2
        mean = constant(np.mean(squared.numpy(), axis=0))
        value = ops.sum(mean, axis=0)
    assert tape.gradient(value, x) is None


def test_state_written_before_reading_gives_none() -> None:
    x0, x1 = Variable(3.0), Variable(0.0)
    with GradientTape(persistent=True) as tape:
        x1.assign(x1 + x0)
        value = x1**2
    assert tape.gradient(value, x0) is None
    assert float(tape.gradient(value, x1)) == 6.0


def test_unconnected_gradients_zero_gives_zeros() -> None:
    x, y = Variable([2.0, 2.0]), Variable(3.0)
    with GradientTape() as tape:
        value = y * y
    gradients = tape.gradient(value, {"x": x, "y": y}, unconnected_gradients="zero")
    np.testing.assert_array_equal(gradients["x"].numpy(), [0.0, 0.0])
    assert float(gradients["y"]) == 6.0


def test_a_floating_operation_without_gradient_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    for table in (GRADIENTS, PULLBACKS, NOT_DIFFERENTIABLE):
        monkeypatch.delitem(table, ops.negative, raising=False)
    x = constant([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        value = ops.sum(-x)
        other = ops.sum(x)
    with pytest.raises(GradientError, match="dovetail::negative has no gradient"):
        tape.gradient(value, x)
    np.testing.assert_array_equal(tape.gradient(other, x).numpy(), [1.0, 1.0])


# ---------------------------------------------------------------------- recording


def test_stop_recording_notes_nothing() -> None:
    x, y = Variable(2.0), Variable(3.0)
    with GradientTape() as tape:
        x_squared = x * x
        with tape.stop_recording():
            y_squared = y * y
        value = x_squared + y_squared
    gradients = tape.gradient(value, {"x": x, "y": y})
    assert float(gradients["x"]) == 4.0
    assert gradients["y"] is None


def test_stop_recording_ends_when_its_body_raises() -> None:
    x = Variable(2.0)
    with GradientTape() as tape:
        with pytest.raises(ValueError, match="on purpose"), tape.stop_recording():
            raise ValueError("on purpose")
        value = x * x
    assert float(tape.gradient(value, x)) == 4.0


def test_stop_recording_outside_of_the_body_raises() -> None:
    with pytest.raises(TapeError, match="isn't recording"), GradientTape().stop_recording():
        pass


def test_reset_starts_over() -> None:
    x, y = Variable(2.0), Variable(3.0)
    with GradientTape() as tape:
        y_squared = y * y
        tape.reset()
        value = x * x + y_squared
    gradients = tape.gradient(value, {"x": x, "y": y})
    assert float(gradients["x"]) == 4.0
    assert gradients["y"] is None


def test_stop_gradient_cuts() -> None:
    x, y = Variable(2.0), Variable(3.0)
    with GradientTape() as tape:
        value = x * x + stop_gradient(y * y)
    gradients = tape.gradient(value, {"x": x, "y": y})
    assert float(gradients["x"]) == 4.0
    assert gradients["y"] is None


# ---------------------------------------------------------------------- nesting


def test_nested_tapes_give_the_second_derivative() -> None:
    x = Variable(1.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = x * x * x
        first = inner.gradient(y, x)
    assert float(first) == 3.0
    assert float(outer.gradient(first, x)) == 6.0


def test_a_persistent_tape_differentiates_its_own_gradient() -> None:
    x = Variable(1.0)
    with GradientTape(persistent=True) as tape:
        y = x * x * x
        first = tape.gradient(y, x)
    assert float(tape.gradient(first, x)) == 6.0


def test_gradient_penalty() -> None:
    """TensorFlow's guide: the gradient of the norm of an input gradient, by the weights; here in closed form."""
    x, weights = constant([[1.0, 2.0]]), Variable([[0.5], [-1.5]])
    with GradientTape() as outer:
        with GradientTape() as inner:
            inner.watch(x)
            y = ops.sum(ops.matmul(x, weights) ** 2)
        by_input = inner.gradient(y, x)
        penalty = ops.sum(by_input**2)
    # y = (x·w)², ∂y/∂x = 2(x·w)w, penalty = 4(x·w)²|w|², its gradient 8(x·w)|w|²x + 8(x·w)²w.
    x0, w = np.array([1.0, 2.0]), np.array([0.5, -1.5])
    expected = 8 * (x0 @ w) * (w @ w) * x0 + 8 * (x0 @ w) ** 2 * w
    np.testing.assert_allclose(outer.gradient(penalty, weights).numpy()[:, 0], expected, rtol=1e-6)


def test_two_tapes_are_independent() -> None:
    x0, x1 = constant(0.0), constant(2.0)
    with GradientTape() as tape0, GradientTape() as tape1:
        tape0.watch(x0)
        tape1.watch(x1)
        value = ops.sin(x0) + x1 * x1
    assert float(tape0.gradient(value, x0)) == 1.0
    assert float(tape1.gradient(value, x1)) == 4.0


# ---------------------------------------------------------------------- Jacobians


def test_jacobian_has_the_shape_of_target_and_source_and_sums_to_gradient() -> None:
    weights, x = Variable(np.linspace(-1, 1, 6, dtype=np.float64).reshape(3, 2)), constant(np.eye(4, 3))
    with GradientTape(persistent=True) as tape:
        y = ops.tanh(ops.matmul(x, weights))
    jacobian = tape.jacobian(y, weights)
    assert jacobian.shape == (4, 2, 3, 2)
    np.testing.assert_allclose(jacobian.numpy().sum((0, 1)), tape.gradient(y, weights).numpy(), rtol=1e-12)
    slopes = 1 - np.tanh(np.eye(4, 3) @ weights.numpy()) ** 2
    expected = np.einsum("ij,ik,jl->ijkl", slopes, np.eye(4, 3), np.eye(2))
    np.testing.assert_allclose(jacobian.numpy(), expected, atol=1e-14)


def test_hessian_by_two_tapes_is_symmetric() -> None:
    x = Variable(np.array([0.3, -0.7, 1.1]))
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = ops.sum(x) ** 3 + ops.sum(ops.sin(x))
        gradient = inner.gradient(y, x)
    hessian = outer.jacobian(gradient, x).numpy()
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-14)
    expected = 6 * x.numpy().sum() * np.ones((3, 3)) - np.diag(np.sin(x.numpy()))
    np.testing.assert_allclose(hessian, expected, rtol=1e-12)


def test_batch_jacobian_equals_the_diagonal_of_jacobian() -> None:
    x = constant(np.arange(12, dtype=np.float64).reshape(4, 3))
    weights = constant(np.linspace(-1, 1, 6).reshape(3, 2))
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = ops.sin(ops.matmul(x, weights))
    whole = tape.jacobian(y, x).numpy()
    assert whole.shape == (4, 2, 4, 3)
    batched = tape.batch_jacobian(y, x)
    assert batched.shape == (4, 2, 3)
    np.testing.assert_allclose(batched.numpy(), np.einsum("ijik->ijk", whole), atol=1e-14)


def test_jacobian_mirrors_sources_and_gives_none_where_disconnected() -> None:
    x, y = Variable(np.array([1.0, 2.0])), Variable(np.array([1.0, 2.0, 3.0]))
    with GradientTape(persistent=True) as tape:
        value = x * x
    found = tape.jacobian(value, {"x": x, "y": y})
    np.testing.assert_allclose(found["x"].numpy(), np.diag([2.0, 4.0]))
    assert found["y"] is None
    zeros = tape.jacobian(value, y, unconnected_gradients="zero")
    np.testing.assert_array_equal(zeros.numpy(), np.zeros((2, 3)))


# ---------------------------------------------------------------------- custom gradients


def test_custom_gradient_overrides_the_backward_pass() -> None:
    @custom_gradient
    def clip_gradients(y: object) -> object:
        def backward(dy: object) -> object:
            return ops.minimum(dy, 0.5)

        return y, backward

    v = Variable(2.0)
    with GradientTape() as tape:
        output = clip_gradients(v * v)
    assert float(tape.gradient(output, v)) == 2.0  # 4 without clipping: upstream 1 becomes 0.5
