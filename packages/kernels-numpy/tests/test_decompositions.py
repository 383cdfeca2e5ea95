"""Kernels of composite operations against the operations' own decompositions, evaluated eagerly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider

POINTS = np.linspace(-4, 7, 24).reshape(4, 6)
POSITIVE = np.linspace(0.1, 7, 24).reshape(4, 6)

CASES: list[tuple[Any, Any, dict[str, Any]]] = [
    *((operation, (POINTS,), {}) for operation in (ops.positive, ops.square, ops.relu, ops.relu6, ops.silu)),
    *((operation, (POINTS,), {}) for operation in (ops.softplus, ops.log_sigmoid, ops.gelu, ops.leaky_relu)),
    *((operation, (POSITIVE,), {}) for operation in (ops.reciprocal, ops.rsqrt)),
    (ops.leaky_relu, (POINTS,), {"negative_slope": 0.3}),
    (ops.gelu, (POINTS,), {"approximate": True}),
    (ops.clip, (POINTS, np.float64(-1), np.float64(2)), {}),
    (ops.clip, (POINTS, None, np.float64(2)), {}),
    (ops.logaddexp, (POINTS, POINTS[::-1]), {}),
    *((operation, (POINTS,), {"axis": 0}) for operation in (ops.softmax, ops.log_softmax, ops.logsumexp, ops.mean)),
    *((operation, (POINTS,), {"axis": (0, 1), "correction": 1}) for operation in (ops.var, ops.std)),
    *((operation, (POINTS,), {"axis": 1, "keepdims": True}) for operation in (ops.mean, ops.var, ops.logsumexp)),
    *((operation, (POINTS,), {"k": -1}) for operation in (ops.tril, ops.triu)),
    (ops.diff, (POINTS, POINTS[:1], POINTS[:2]), {"axis": 0, "n": 2}),
]


@pytest.mark.parametrize(("operation", "operands", "attributes"), CASES)
def test_the_kernel_computes_what_the_decomposition_says(compute, operation, operands, attributes):
    complete = {**operation._defaults, **attributes}
    arrays = [None if operand is None else provider().convert(np.asarray(operand)) for operand in operands]
    arrays += [None] * (len(operation.operands) - len(arrays))
    expected = operation.decompose(*arrays, **complete).numpy()
    np.testing.assert_allclose(compute(operation, *operands, **attributes), expected, rtol=1e-13, atol=1e-15)


def test_a_softmax_over_an_empty_axis_is_empty_either_way(compute):
    nothing = np.zeros((2, 0))
    for operation in (ops.softmax, ops.log_softmax):
        assert operation.decompose(provider().convert(nothing), axis=-1).shape == (2, 0)
        assert compute(operation, nothing).shape == (2, 0)


# Activations without a kernel run their decompositions: against closed forms.
FORMULAS = {
    ops.elu: lambda x: np.where(x > 0, x, np.exp(x) - 1),
    ops.selu: lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1)),
    ops.celu: lambda x: np.maximum(x, 0) + np.minimum(0, np.exp(x) - 1),
    ops.softsign: lambda x: x / (1 + np.abs(x)),
    ops.hard_sigmoid: lambda x: np.clip(x / 6 + 0.5, 0, 1),
    ops.hard_silu: lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    ops.mish: lambda x: x * np.tanh(np.log(1 + np.exp(x))),
}


@pytest.mark.parametrize("operation", FORMULAS, ids=lambda op: op.short_name)
def test_activations_follow_their_formulas(operation):
    np.testing.assert_allclose(
        operation(provider().convert(POINTS)).numpy(), FORMULAS[operation](POINTS), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float8_e5m2"])
@pytest.mark.parametrize("operation", FORMULAS, ids=lambda op: op.short_name)
def test_activations_keep_narrow_dtypes(operation, dtype):
    x = ops.cast(provider().convert(POINTS), dtype=dt.dtype(dtype))
    assert operation(x).dtype.name == dtype


def test_attributes_of_activations_enter_the_formula():
    x = provider().convert(POINTS)
    np.testing.assert_allclose(ops.elu(x, alpha=0.5).numpy(), np.where(POINTS > 0, POINTS, 0.5 * np.expm1(POINTS)))
    expected = np.where(POINTS > 0, POINTS, 2 * np.expm1(POINTS / 2))
    np.testing.assert_allclose(ops.celu(x, alpha=2.0).numpy(), expected)
