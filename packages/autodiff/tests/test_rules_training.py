"""Derivatives of losses, normalizations, attention, dropout and optimizer updates."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad, jvp, vmap
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider


def some(*shape: int, seed: int = 0) -> Any:
    return provider().convert(np.random.default_rng(seed).normal(size=shape))


def positive(*shape: int, seed: int = 0) -> Any:
    return provider().convert(np.random.default_rng(seed).uniform(0.2, 1.0, size=shape))


NUMBERS = provider().convert([0, 2, 1])


@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_cross_entropy(axis):
    check_gradients(partial(ops.softmax_cross_entropy, axis=axis), positive(3, 4), some(3, 4), order=2)


@pytest.mark.parametrize("axis", [-1, 0])
def test_sparse_softmax_cross_entropy(axis):
    logits = some(3, 4) if axis == -1 else some(4, 3)
    check_gradients(lambda logits: ops.sparse_softmax_cross_entropy(NUMBERS, logits, axis=axis), logits, order=2)


def test_the_derivative_with_respect_to_a_label_of_zero_is_not_cut():
    labels, logits = provider().convert([0.0, 1.0]), provider().convert([1.0, 3.0])
    gradient = grad(lambda labels: ops.softmax_cross_entropy(labels, logits))(labels)
    np.testing.assert_allclose(gradient.numpy(), -ops.log_softmax(logits).numpy(), rtol=1e-6)


def test_sigmoid_cross_entropy():
    check_gradients(ops.sigmoid_cross_entropy, positive(3, 1), some(2, 1, 4), order=2)


@pytest.mark.parametrize(
    "loss", [ops.squared_error, ops.absolute_error, ops.huber, partial(ops.huber, delta=0.4), ops.log_cosh], ids=str
)
def test_losses_of_differences(loss):
    check_gradients(loss, some(3, 1), some(4, seed=1), order=2)


def test_kl_divergence():
    check_gradients(ops.kl_divergence, positive(3, 4), positive(3, 4, seed=1), order=2)


# ---------------------------------------------------------------------- normalization

PARAMETERS = {-1: (2,), 1: (3,), (0, 2): (4, 2)}


@pytest.mark.parametrize(
    ("operation", "count"),
    [
        *((ops.layer_normalization, count) for count in (0, 1, 2)),
        *((ops.batch_normalization_training, count) for count in (0, 1, 2)),
        *((ops.rms_normalization, count) for count in (0, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("axis", PARAMETERS, ids=str)
def test_normalizations(operation, axis, count):
    parameters = [positive(*PARAMETERS[axis], seed=seed) for seed in range(count)]
    check_gradients(partial(operation, axis=axis, epsilon=0.1), some(4, 3, 2), *parameters)


@pytest.mark.parametrize(
    "operation", [ops.layer_normalization, ops.batch_normalization_training, ops.rms_normalization]
)
def test_normalizations_in_second_order(operation):
    parameters = [positive(3), some(3)][: 1 if operation is ops.rms_normalization else 2]
    check_gradients(partial(operation, epsilon=0.1), some(4, 3), *parameters, order=2)


def test_batch_normalization_for_inference():
    check_gradients(ops.batch_normalization, some(4, 3), some(3), positive(3), positive(3, seed=1), some(3, seed=2))


def test_group_normalization():
    check_gradients(partial(ops.group_normalization, groups=2, epsilon=0.1), some(2, 3, 4), positive(4), some(4))


def test_parameters_get_gradients_of_their_own_dtype():
    x = ops.cast(some(4, 3), dtype="bfloat16")
    scale = ops.cast(positive(3), dtype="float64")
    gradient = grad(lambda scale: ops.sum(ops.layer_normalization(x, scale)))(scale)
    assert gradient.dtype.name == "float64"


def test_vmap_of_layer_normalization_is_layer_normalization():
    x, scale = some(5, 4, 3), positive(3)
    mapped = vmap(lambda x: ops.layer_normalization(x, scale))(x)
    np.testing.assert_allclose(mapped.numpy(), ops.layer_normalization(x, scale).numpy(), rtol=1e-12)


# ---------------------------------------------------------------------- attention, dropout, optimizers


@pytest.mark.parametrize("is_causal", [False, True])
def test_attention(is_causal):
    operation = partial(ops.scaled_dot_product_attention, is_causal=is_causal)
    check_gradients(operation, some(2, 3, 2), some(2, 4, 2, seed=1), some(2, 4, 3, seed=2), some(3, 4, seed=3), order=2)


def test_attention_of_broadcast_heads():
    """One key head for two query heads, and a bias for each key of each example."""
    check_gradients(
        ops.scaled_dot_product_attention,
        some(2, 2, 3, 2),
        some(2, 1, 4, 2, seed=1),
        some(4, 3, seed=2),
        some(2, 1, 1, 4, seed=3),
    )


def test_attention_that_may_look_at_nothing_has_no_gradient():
    mask = provider().convert([[True, False], [False, False]])
    query, key, value = some(2, 3), some(2, 3, seed=1), some(2, 3, seed=2)
    gradients = grad(lambda *operands: ops.sum(ops.scaled_dot_product_attention(*operands, mask) ** 2), (0, 1, 2))(
        query, key, value
    )
    for gradient in gradients:
        assert np.isfinite(gradient.numpy()).all()
    assert not gradients[0].numpy()[1].any()
    assert not gradients[2].numpy()[1].any()


def test_dropout_gives_its_cotangent_the_same_mask():
    x, state = some(50, 4), provider().convert(np.array([0, 0, 9], np.uint64))
    dropped = partial(ops.dropout, random_state=state, rate=0.4)
    result = dropped(x).numpy()
    gradient = grad(lambda x: ops.sum(dropped(x)))(x).numpy()
    np.testing.assert_allclose(gradient, result / x.numpy(), rtol=1e-12)
    np.testing.assert_allclose(jvp(dropped, (x,), (x,))[1].numpy(), result, rtol=1e-12)


def test_a_step_of_adam_is_differentiable():
    """As learned optimizers and meta-learning need it."""
    rate, step = provider().convert(np.float64(0.1)), provider().convert(3)
    moments = some(3, seed=1), positive(3, seed=2)
    check_gradients(
        lambda parameter, gradient, rate: ops.adam_update(parameter, gradient, *moments, step, rate),
        some(3),
        some(3, seed=3),
        rate,
    )
