"""What the distributions accept, and the metas they give."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError, ShapeError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation

STATE = TensorMeta((3,), dt.uint64)
FLOATING = (
    ops.random_uniform,
    ops.random_normal,
    ops.random_truncated_normal,
    ops.random_exponential,
    ops.random_gumbel,
)


def infer(operation: Operation, *metas: TensorMeta, **attributes: Any) -> Any:
    return operation.infer(metas, {**operation._defaults, **attributes})


@pytest.mark.parametrize("operation", FLOATING)
def test_floating_distributions_give_the_asked_shape_and_dtype(operation: Operation) -> None:
    assert infer(operation, STATE, shape=(2, 0)) == TensorMeta((2, 0), dt.float32)
    batch = TensorMeta((7, 3), dt.uint64)
    assert infer(operation, batch, shape=(2,), dtype=dt.bfloat16) == TensorMeta((7, 2), dt.bfloat16)


@pytest.mark.parametrize("operation", FLOATING)
def test_floating_distributions_reject_other_dtypes_and_states(operation: Operation) -> None:
    with pytest.raises(DTypeError, match=f"{operation.short_name}.*floating"):
        infer(operation, STATE, shape=(2,), dtype=dt.int32)
    with pytest.raises(ShapeError, match=f"{operation.short_name}: not a random state"):
        infer(operation, TensorMeta((2,), dt.uint64), shape=(2,))


@pytest.mark.parametrize(("minimum", "maximum"), [(1.0, 0.0), (nan, 1.0), (0.0, inf), (-inf, 0.0)])
def test_random_uniform_rejects_what_is_no_finite_interval(minimum: float, maximum: float) -> None:
    with pytest.raises(AttributeValueError, match="random_uniform"):
        infer(ops.random_uniform, STATE, shape=(2,), minimum=minimum, maximum=maximum)


@pytest.mark.parametrize(("lower", "upper"), [(1.0, -1.0), (1.0, 1.0), (9.0, inf), (nan, 1.0)])
def test_random_truncated_normal_rejects_an_empty_interval(lower: float, upper: float) -> None:
    with pytest.raises(AttributeValueError, match="lower"):
        infer(ops.random_truncated_normal, STATE, shape=(2,), lower=lower, upper=upper)


@pytest.mark.parametrize("probability", [-0.1, 1.1, nan])
def test_random_bernoulli_rejects_what_is_no_probability(probability: float) -> None:
    assert infer(ops.random_bernoulli, STATE, shape=(2,)) == TensorMeta((2,), dt.bool_)
    with pytest.raises(AttributeValueError, match="from 0 to 1"):
        infer(ops.random_bernoulli, STATE, shape=(2,), probability=probability)


def test_random_integers_rejects_ranges_outside_of_the_dtype() -> None:
    assert infer(ops.random_integers, STATE, shape=(2,), maximum=6) == TensorMeta((2,), dt.int32)
    assert infer(ops.random_integers, STATE, shape=(2,), maximum=256, dtype=dt.uint8) == TensorMeta((2,), dt.uint8)
    for minimum, maximum, dtype in ((0, 257, dt.uint8), (-1, 5, dt.uint8), (3, 3, dt.int32), (0, 129, dt.int8)):
        with pytest.raises(AttributeValueError, match="minimum < maximum"):
            infer(ops.random_integers, STATE, shape=(2,), minimum=minimum, maximum=maximum, dtype=dtype)
    with pytest.raises(DTypeError, match="integer"):
        infer(ops.random_integers, STATE, shape=(2,), maximum=6, dtype=dt.float32)


def test_random_categorical_puts_samples_in_place_of_classes() -> None:
    logits = TensorMeta((5, 4, 10), dt.float32)
    assert infer(ops.random_categorical, STATE, logits, num_samples=2) == TensorMeta((5, 4, 2), dt.DEFAULT_INDEX)
    with pytest.raises(ShapeError, match="no classes"):
        infer(ops.random_categorical, STATE, TensorMeta((5, 0), dt.float32))


def test_random_permutation_and_shuffle() -> None:
    assert infer(ops.random_permutation, STATE, count=5) == TensorMeta((5,), dt.DEFAULT_INDEX)
    images = TensorMeta((5, 4), dt.float32)
    assert infer(ops.random_shuffle, STATE, images, axis=1) == images
    with pytest.raises(ShapeError, match="axis"):
        infer(ops.random_shuffle, STATE, images, axis=2)
    with pytest.raises(ShapeError, match="one random state"):
        infer(ops.random_shuffle, TensorMeta((2, 3), dt.uint64), images)
