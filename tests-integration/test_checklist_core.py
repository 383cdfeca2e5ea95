"""The checklist of Core APIs, through the umbrella: lines that need several packages; docs/status.md maps them all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dovetail as dt

# ---------------------------------------------------------------------- Tensor


def test_tensor_dtypes_are_cast_only_when_asked_but_for_the_promotion_of_the_array_api() -> None:
    assert dt.add(dt.constant(1), dt.constant(2.5)).dtype is dt.float32
    assert dt.cast(dt.constant(2.7), dt.int32).tolist() == 2
    with pytest.raises(TypeError):
        dt.constant(True) + dt.constant(1.0)
    with pytest.raises(TypeError):
        dt.Variable(1, dtype="int32").assign(2.5)


def test_tensor_matmul_operator_and_numpy() -> None:
    a, b = np.arange(6.0, dtype=np.float32).reshape(2, 3), np.arange(12.0, dtype=np.float32).reshape(3, 4)
    product = dt.constant(a) @ dt.constant(b)
    assert isinstance(product.numpy(), np.ndarray)
    np.testing.assert_array_equal(product.numpy(), a @ b)


def test_tensor_of_a_bad_size_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fill"):
        dt.reshape(dt.ones((2, 3)), (4, 2))
    with pytest.raises(ValueError, match="shape"):
        dt.ones((2, 3)) + dt.ones((4,))


# ---------------------------------------------------------------------- Variable


def test_variable_reshaped_is_a_tensor_and_the_variable_stays() -> None:
    variable = dt.Variable([[1.0, 2.0], [3.0, 4.0]])
    flat = dt.reshape(variable, [1, 4])
    assert isinstance(flat, dt.Tensor)
    assert not isinstance(flat, dt.Variable)
    assert (flat.shape, variable.shape) == ((1, 4), (2, 2))
    variable.assign_add([[1.0, 1.0], [1.0, 1.0]])
    assert flat.tolist() == [[1.0, 2.0, 3.0, 4.0]]


def test_variable_copied_is_another_one() -> None:
    first = dt.Variable([2.0, 3.0])
    second = dt.Variable(first)
    first.assign([5.0, 6.0])
    assert (first.tolist(), second.tolist()) == ([5.0, 6.0], [2.0, 3.0])


# ---------------------------------------------------------------------- TensorArray


@pytest.mark.parametrize("traced", [False, True])
def test_tensor_array_is_carried_by_loops_traced_or_not(traced: bool) -> None:
    def squares(count: Any) -> Any:
        array = dt.TensorArray(dt.float32, size=4, element_shape=())

        def body(place: Any, array: Any) -> Any:
            return place + 1, array.write(place, dt.cast(place * place, dt.float32))

        return dt.while_loop(lambda place, array: place < count, body, (dt.constant(0), array))[1].stack()

    assert (dt.function(squares) if traced else squares)(dt.constant(3)).tolist() == [0.0, 1.0, 4.0, 0.0]


# ---------------------------------------------------------------------- GradientTape and functions


@pytest.mark.parametrize("traced", [False, True])
def test_custom_gradient_clips_4_to_2_also_in_a_traced_function(traced: bool) -> None:
    @dt.custom_gradient
    def clip_gradients(y: Any) -> Any:
        return y, lambda cotangent: dt.clip(cotangent, 0.0, 2.0)

    v = dt.Variable(2.0)

    def gradient() -> Any:
        with dt.GradientTape() as tape:
            output = clip_gradients(v * v)  # dy/dv is 4 where nothing is clipped
            target = output * 5.0
        return tape.gradient(target, v)

    assert float((dt.function(gradient) if traced else gradient)()) == 2.0 * 4.0


# ---------------------------------------------------------------------- Random


def test_random_numbers_of_layers_are_repeatable_by_set_seed() -> None:
    def drawn(seed: int) -> list[Any]:
        dt.random.set_seed(seed)
        layer, dropout = dt.layers.Dense(3), dt.layers.Dropout(0.5)
        return [layer(dt.ones((1, 4))).tolist(), dropout(dt.ones(20), training=True).tolist()]

    first, again, other = drawn(5), drawn(5), drawn(6)
    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]


def test_random_generator_state_resumes_the_stream_from_a_checkpoint(tmp_path: Any) -> None:
    generator = dt.random.Generator(3)
    generator.normal((5,))
    dt.checkpointing.Checkpoint(g=generator).write(tmp_path / "c")
    expected = generator.normal((4,)).tolist()
    fresh = dt.random.Generator(99)
    dt.checkpointing.Checkpoint(g=fresh).restore(tmp_path / "c").assert_consumed()
    assert fresh.normal((4,)).tolist() == expected


# ---------------------------------------------------------------------- Linear algebra


def test_linalg_diag_norm_and_einsum_agree_with_numpy_and_have_gradients() -> None:
    x = np.arange(1.0, 10.0).reshape(3, 3)
    np.testing.assert_array_equal(dt.linalg.diag(dt.constant(x[0])).numpy(), np.diag(x[0]))
    np.testing.assert_allclose(float(dt.linalg.norm(dt.constant(x))), np.linalg.norm(x))
    np.testing.assert_allclose(dt.linalg.einsum("ij,kj->ik", x, x).numpy(), np.einsum("ij,kj->ik", x, x))
    gradient = dt.grad(dt.linalg.norm)(dt.constant(x))
    np.testing.assert_allclose(gradient.numpy(), x / np.linalg.norm(x), rtol=1e-12)
