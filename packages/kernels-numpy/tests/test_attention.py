"""Attention against its definition, query by query."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider

Array = np.ndarray[Any, Any]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(17)


def attend(query: Array, key: Array, value: Array, added: Array, scale: float) -> Array:
    """`added`: (…, queries, keys), -inf where a query may not look."""
    batch = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    query, key, value = (np.broadcast_to(a, (*batch, *a.shape[-2:])) for a in (query, key, value))
    added = np.broadcast_to(added, (*batch, query.shape[-2], key.shape[-2]))
    result = np.zeros((*batch, query.shape[-2], value.shape[-1]))
    for place in product(*map(range, batch)):
        for i in range(query.shape[-2]):
            keys = np.flatnonzero(added[place][i] > -np.inf)
            if keys.size:
                weights = np.exp(key[place][keys] @ query[place][i] * scale + added[place][i][keys])
                result[(*place, i)] = weights @ value[place][keys] / weights.sum()
    return result


def cases(random: np.random.Generator) -> Any:
    query, key, value = (
        random.normal(size=(2, 3, 4, 5)),
        random.normal(size=(2, 3, 6, 5)),
        random.normal(size=(2, 3, 6, 7)),
    )
    allowed = random.random((4, 6)) < 0.5
    allowed[2] = False  # may look at nothing
    causal = np.where(np.arange(6) <= np.arange(4)[:, None], 0.0, -np.inf)
    bias = random.normal(size=(2, 1, 1, 6))
    yield (query, key, value, None), {}, np.zeros(())
    yield (query, key, value, allowed), {}, np.where(allowed, 0.0, -np.inf)
    yield (query, key, value, bias), {}, bias
    yield (query, key, value, None), {"is_causal": True}, causal
    yield (query, key, value, allowed), {"is_causal": True, "scale": 0.3}, causal + np.where(allowed, 0.0, -np.inf)
    yield (query, key[:, :1], value[:, :1], None), {}, np.zeros(())  # one key head for all query heads
    yield (query[0, 0], key[0, 0], value[0], None), {}, np.zeros(())  # leading axes of values only
    yield (query[0, 0], key[0, 0], value, bias), {}, bias  # leading axes of values and mask only


@pytest.mark.parametrize("number", range(8))
def test_attention_is_a_weighted_mean_of_values(number: int, random: np.random.Generator) -> None:
    operands, attributes, added = list(cases(random))[number]
    expected = attend(*operands[:3], added, attributes.get("scale", 5**-0.5))
    arrays = [None if operand is None else provider().convert(operand) for operand in operands]
    fused = ops.scaled_dot_product_attention(*arrays, **attributes)
    decomposed = ops.scaled_dot_product_attention.decompose(
        *arrays, scale=attributes.get("scale"), is_causal=attributes.get("is_causal", False)
    )
    np.testing.assert_allclose(np.asarray(fused), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(np.asarray(decomposed), expected, rtol=1e-12, atol=1e-13)


def test_large_scores_do_not_overflow() -> None:
    query = np.full((2, 1), 1e4, np.float32)
    result = np.asarray(ops.scaled_dot_product_attention(query, query, np.array([[1.0], [3.0]], np.float32)))
    np.testing.assert_array_equal(result, [[2.0], [2.0]])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_dtypes_keep_their_dtype(dtype: str, random: np.random.Generator) -> None:
    wide = [random.normal(size=(4, 3)) for _ in range(3)]
    narrow = [ops.cast(provider().convert(one), dtype=dtype) for one in wide]
    result = ops.scaled_dot_product_attention(*narrow)
    assert result.dtype.name == dtype
    expected = attend(*wide, np.zeros(()), 3**-0.5)
    np.testing.assert_allclose(np.asarray(ops.cast(result, dtype="float64")), expected, atol=0.05)


@pytest.mark.parametrize("number", range(8))
def test_the_gradient_kernel_agrees_with_the_decomposition(number: int, random: np.random.Generator) -> None:
    operands, attributes, _ = list(cases(random))[number]
    arrays = [None if operand is None else provider().convert(operand) for operand in operands]
    result = ops.scaled_dot_product_attention(*arrays, **attributes)
    cotangent = provider().convert(random.normal(size=result.shape))
    operation = ops.scaled_dot_product_attention_gradient
    fused = operation(cotangent, *arrays, **attributes)
    decomposed = operation.decompose(cotangent, *arrays, **{**operation._defaults, **attributes})
    for one, other, operand in zip(fused, decomposed, operands, strict=False):
        assert one.shape == operand.shape
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-11, atol=1e-13)
