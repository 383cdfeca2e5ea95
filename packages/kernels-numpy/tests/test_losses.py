"""Losses against their definitions, and the fused kernels against their decompositions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import IndexRangeError

Array = np.ndarray[Any, Any]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(11)


def softmax(logits: Array, axis: int) -> Array:
    return np.exp(logits) / np.exp(logits).sum(axis, keepdims=True)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax_cross_entropy_is_its_definition(axis: int, random: np.random.Generator) -> None:
    labels, logits = random.random((4, 3, 5)), random.normal(size=(4, 3, 5))
    expected = -(labels * np.log(softmax(logits, axis))).sum(axis)
    np.testing.assert_allclose(np.asarray(ops.softmax_cross_entropy(labels, logits, axis=axis)), expected, rtol=1e-13)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64", "uint64"])
def test_sparse_softmax_cross_entropy_picks_the_label(axis: int, dtype: str, random: np.random.Generator) -> None:
    logits = random.normal(size=(4, 3, 5))
    labels = random.integers(0, logits.shape[axis], np.delete(logits.shape, axis)).astype(dtype)
    chosen = np.take_along_axis(np.log(softmax(logits, axis)), np.expand_dims(labels, axis).astype(int), axis)
    result = np.asarray(ops.sparse_softmax_cross_entropy(labels, logits, axis=axis))
    np.testing.assert_allclose(result, -chosen.squeeze(axis), rtol=1e-13)


def test_sigmoid_cross_entropy_is_its_definition(random: np.random.Generator) -> None:
    labels, logits = random.random((4, 1)), random.normal(size=3)
    probability = 1 / (1 + np.exp(-logits))
    expected = -labels * np.log(probability) - (1 - labels) * np.log(1 - probability)
    np.testing.assert_allclose(np.asarray(ops.sigmoid_cross_entropy(labels, logits)), expected, rtol=1e-12)


def test_cross_entropies_survive_large_logits() -> None:
    logits = np.array([[1e4, -1e4, 0.0]], np.float32)
    labels = np.array([[0.0, 1.0, 0.0]], np.float32)
    assert np.asarray(ops.softmax_cross_entropy(labels, logits)) == [2e4]
    assert np.asarray(ops.sparse_softmax_cross_entropy(np.array([1]), logits)) == [2e4]
    np.testing.assert_array_equal(
        np.asarray(ops.sigmoid_cross_entropy(labels, logits)), [[1e4, 1e4, np.log(np.float32(2))]]
    )
    one = np.ones(1, np.float32)
    np.testing.assert_array_equal(np.asarray(ops.softmax_cross_entropy_gradient(one, labels, logits)), [[1, -1, 0]])
    np.testing.assert_array_equal(np.asarray(ops.sigmoid_cross_entropy_gradient(one, labels, logits)), [[1, -1, 0.5]])


def test_a_class_without_label_may_be_impossible() -> None:
    logits, labels = np.array([[0.0, -np.inf, 0.0]]), np.array([[0.5, 0.0, 0.5]])
    for result in (
        ops.softmax_cross_entropy(labels, logits),
        ops.softmax_cross_entropy.decompose(*map(provider().convert, (labels, logits)), axis=-1),
    ):
        np.testing.assert_allclose(np.asarray(result), [np.log(2)])


@pytest.mark.parametrize("label", [-1, 3, 255])
def test_a_label_that_is_no_class_raises(label: int) -> None:
    logits, labels = np.zeros((2, 3)), np.array([0, label])
    for call in (
        lambda: ops.sparse_softmax_cross_entropy(labels, logits),
        lambda: ops.sparse_softmax_cross_entropy_gradient(np.zeros(2), labels, logits),
    ):
        with pytest.raises(IndexRangeError, match=rf"label {label} is no class\n.*labels\[1\]"):
            call()


@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_kernels_agree_with_decompositions(axis: int, dtype: str, random: np.random.Generator) -> None:
    convert = provider().convert
    logits = ops.cast(convert(random.normal(size=(4, 4)) * 3), dtype=dtype)
    labels = ops.cast(convert(random.random((4, 4))), dtype=dtype)
    cotangent, numbers = ops.cast(convert(random.normal(size=4)), dtype=dtype), convert(random.integers(0, 4, 4))
    epsilon = {"float64": 2**-52, "float32": 2**-23, "float16": 2**-10, "bfloat16": 2**-7}[dtype]
    for operation, operands, attributes in [
        (ops.softmax_cross_entropy, (labels, logits), {"axis": axis}),
        (ops.softmax_cross_entropy_gradient, (cotangent, labels, logits), {"axis": axis}),
        (ops.sparse_softmax_cross_entropy, (numbers, logits), {"axis": axis}),
        (ops.sparse_softmax_cross_entropy_gradient, (cotangent, numbers, logits), {"axis": axis}),
        (ops.sigmoid_cross_entropy, (labels, logits), {}),
        (ops.sigmoid_cross_entropy_gradient, (cotangent, labels, logits), {}),
    ]:
        fused, decomposed = operation(*operands, **attributes), operation.decompose(*operands, **attributes)
        assert fused.dtype is decomposed.dtype is logits.dtype
        # The decomposition rounds after each of about ten operations on numbers up to 10.
        np.testing.assert_allclose(
            np.asarray(ops.cast(fused, dtype="float64")),
            np.asarray(ops.cast(decomposed, dtype="float64")),
            rtol=16 * epsilon,
            atol=64 * epsilon,
        )


def test_losses_of_differences(random: np.random.Generator) -> None:
    labels, predictions = random.normal(size=(50, 1)) * 2, random.normal(size=4)
    error = predictions - labels
    size = np.abs(error)
    cases = [
        (ops.squared_error(labels, predictions), error**2),
        (ops.absolute_error(labels, predictions), size),
        (ops.huber(labels, predictions), np.where(size <= 1, error**2 / 2, size - 0.5)),
        (ops.huber(labels, predictions, delta=0.3), np.where(size <= 0.3, error**2 / 2, 0.3 * (size - 0.15))),
        (ops.log_cosh(labels, predictions), np.log(np.cosh(error))),
    ]
    for result, expected in cases:
        np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-12, atol=1e-15)
    assert np.asarray(ops.log_cosh(np.float32(1e4), np.float32(0))) == pytest.approx(1e4 - np.log(2), rel=1e-7)


def test_kl_divergence_is_its_definition_and_takes_zeros(random: np.random.Generator) -> None:
    p, q = random.dirichlet(np.ones(5), 3), random.dirichlet(np.ones(5), 3)
    np.testing.assert_allclose(np.asarray(ops.kl_divergence(p, q)), (p * np.log(p / q)).sum(-1), rtol=1e-12)
    result = np.asarray(ops.kl_divergence([[0.0, 1.0], [0.5, 0.5]], [[0.0, 1.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(result, [0.0, np.inf])
