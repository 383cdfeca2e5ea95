"""What the neural-network operations accept, the metas they give, and what their errors say."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError, ShapeError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation


def meta(*shape: int, dtype: dt.DType = dt.float32) -> TensorMeta:
    return TensorMeta(shape, dtype)


def infer(operation: Operation, *metas: TensorMeta | None, **attributes: Any) -> Any:
    missing = (None,) * (len(operation.operands) - len(metas))
    return operation.infer((*metas, *missing), {**operation._defaults, **attributes})


X, FILTERS = meta(2, 7, 6, 4), meta(3, 3, 4, 8)


@pytest.mark.parametrize(
    ("filters", "attributes", "shape"),
    [
        (FILTERS, {}, (2, 5, 4, 8)),
        (FILTERS, {"padding": "same"}, (2, 7, 6, 8)),
        (FILTERS, {"padding": "same", "strides": (2, 3)}, (2, 4, 2, 8)),
        (FILTERS, {"strides": 2}, (2, 3, 2, 8)),
        (FILTERS, {"dilation": (2, 1)}, (2, 3, 4, 8)),
        (FILTERS, {"padding": ((1, 2), (0, 1))}, (2, 8, 5, 8)),
        (meta(3, 3, 2, 8), {"groups": 2}, (2, 5, 4, 8)),
        (meta(3, 3, 1, 12), {"groups": 4}, (2, 5, 4, 12)),
    ],
)
def test_conv_and_its_gradients_fit_together(filters: TensorMeta, attributes: Any, shape: Any) -> None:
    result = infer(ops.conv, X, filters, **attributes)
    assert result == meta(*shape)
    assert infer(ops.conv_input_gradient, result, filters, spatial_shape=(7, 6), **attributes) == X
    assert infer(ops.conv_filter_gradient, X, result, window=(3, 3), **attributes) == filters


def test_causal_conv_keeps_the_length() -> None:
    assert infer(ops.conv, meta(2, 9, 3), meta(4, 3, 5), padding="causal", dilation=2) == meta(2, 9, 5)


@pytest.mark.parametrize(
    ("operation", "metas", "attributes", "error", "message"),
    [
        (ops.conv, (meta(7, 6, 4), FILTERS), {}, ShapeError, "fix: a single image needs a batch axis"),
        (ops.conv, (meta(2, 4), meta(4, 8)), {}, ShapeError, "at least one spatial axis"),
        (ops.conv, (X, meta(3, 3, 3, 8)), {}, ShapeError, "expected: 3 = 3 channels in each of 1 groups"),
        (ops.conv, (X, meta(3, 3, 2, 9)), {"groups": 2}, ShapeError, "a positive divisor of 9"),
        (ops.conv, (X, FILTERS), {"groups": 0}, ShapeError, "groups"),
        (ops.conv, (meta(2, 2, 6, 4), FILTERS), {}, ShapeError, "spatial axis 0\n  expected: at least 3 elements"),
        (ops.conv, (X, FILTERS), {"strides": 0}, AttributeValueError, "conv, strides"),
        (ops.conv, (X, FILTERS), {"strides": (1, 1, 1)}, AttributeValueError, "an int, or 2 of them"),
        (ops.conv, (X, FILTERS), {"dilation": 1.5}, AttributeValueError, "conv, dilation"),
        (ops.conv, (X, FILTERS), {"padding": "full"}, AttributeValueError, "got: 'full'"),
        (ops.conv, (X, FILTERS), {"padding": "causal"}, AttributeValueError, "one spatial axis"),
        (ops.conv, (X, FILTERS), {"padding": ((1, 1),)}, AttributeValueError, "2 pairs"),
        (ops.conv, (X, FILTERS), {"padding": ((1, -1), (0, 0))}, AttributeValueError, "ints from 0 up"),
        (ops.conv, (meta(2, 7, 6, 4, dtype=dt.int32), FILTERS), {}, DTypeError, "conv doesn't take int32"),
        (
            ops.conv_input_gradient,
            (meta(2, 5, 4, 8), FILTERS),
            {"spatial_shape": (7, 7)},
            ShapeError,
            r"expected: \(5, 5\)\n  got: \(5, 4\)",
        ),
        (ops.conv_input_gradient, (meta(2, 5, 4, 7), FILTERS), {"spatial_shape": (7, 6)}, ShapeError, "got: 7"),
        (ops.conv_filter_gradient, (X, meta(3, 5, 4, 8)), {"window": (3, 3)}, ShapeError, "the batches differ"),
        (ops.conv_filter_gradient, (X, meta(2, 5, 4, 8)), {"window": (2, 3)}, ShapeError, r"expected: \(6, 4\)"),
        (ops.conv_transpose, (meta(2, 5, 5, 4), FILTERS), {}, ShapeError, "expected: 8"),
        (
            ops.conv_transpose,
            (meta(2, 5, 5, 8), FILTERS),
            {"strides": 2, "output_padding": 2},
            ShapeError,
            "don't fit the windows",
        ),
        (ops.max_pool, (meta(4, 4),), {"window": 2}, ShapeError, "there are no spatial axes"),
        (ops.max_pool, (X,), {"window": (2, 2, 2)}, AttributeValueError, "max_pool, window"),
        (ops.max_pool, (X,), {"window": 9}, ShapeError, 'fix: use padding="same"'),
        (ops.max_pool, (X,), {"window": 2, "padding": ((2, 0), (0, 0))}, AttributeValueError, "in the padding"),
        (ops.max_pool_gradient, (meta(2, 3, 2, 4), X), {"window": 2}, ShapeError, r"expected: \(2, 3, 3, 4\)"),
        (ops.max_pool_select, (meta(2, 7, 6, 5), X), {"window": 2}, ShapeError, "differ"),
        (
            ops.average_pool_gradient,
            (meta(2, 3, 2, 4),),
            {"window": 2, "spatial_shape": (7, 6)},
            ShapeError,
            r"expected: \(2, 3, 3, 4\)",
        ),
        (ops.embedding, (meta(), meta(3, dtype=dt.int32)), {}, ShapeError, "0-d"),
        (ops.embedding, (meta(3, 2), meta(3)), {}, DTypeError, "operand 'indices'"),
        (ops.embedding_gradient, (meta(3, 2), meta(4, dtype=dt.int32)), {"size": 5}, ShapeError, r"\(4, \*features\)"),
        (ops.embedding_gradient, (meta(3), meta(3, dtype=dt.int32)), {"size": -1}, AttributeValueError, "got: -1"),
        (ops.softmax_cross_entropy, (meta(2), meta(2, 3)), {}, ShapeError, "fix: .* sparse_softmax_cross_entropy"),
        (
            ops.sparse_softmax_cross_entropy,
            (meta(2, 3, dtype=dt.int32), meta(2, 3)),
            {},
            ShapeError,
            r"without their class axis -1",
        ),
        (ops.softmax_cross_entropy, (meta(2, 3), meta(2, 3)), {"axis": 2}, ShapeError, "axis 2 is out of range"),
        (ops.softmax_cross_entropy_gradient, (meta(3), meta(2, 3), meta(2, 3)), {}, ShapeError, "cotangent"),
        (ops.sigmoid_cross_entropy, (meta(2), meta(3)), {}, ShapeError, "do not broadcast"),
        (ops.huber, (meta(2), meta(3)), {}, ShapeError, "huber: shapes"),
        (ops.layer_normalization, (X, meta(3)), {}, ShapeError, r"scale\n  expected: \(4,\): the sizes of axes \(3,\)"),
        (ops.layer_normalization, (X, None, meta(4, 1)), {}, ShapeError, "offset"),
        (ops.layer_normalization_gradient, (meta(2, 7, 6, 3), X), {}, ShapeError, "isn't shaped like x"),
        (ops.batch_normalization, (X, meta(4), meta(5)), {}, ShapeError, "variance"),
        (ops.batch_normalization_training, (X,), {"axis": (1, 1)}, ShapeError, "names an axis twice"),
        (ops.group_normalization, (X,), {"groups": 3}, ShapeError, "a positive divisor of 4"),
        (ops.group_normalization, (X,), {"groups": 1, "axis": 0}, ShapeError, "an axis that isn't the batch's"),
        (ops.scaled_dot_product_attention, (meta(4), X, X), {}, ShapeError, "query has no sequence axis"),
        (ops.scaled_dot_product_attention, (meta(2, 3), meta(4, 5), meta(4, 6)), {}, ShapeError, "differ in size"),
        (ops.scaled_dot_product_attention, (meta(2, 3), meta(4, 3), meta(5, 6)), {}, ShapeError, "as many keys"),
        (
            ops.scaled_dot_product_attention,
            (meta(2, 3), meta(4, 3), meta(4, 6), meta(2, 2, 4)),
            {},
            ShapeError,
            "the mask is larger",
        ),
        (ops.dropout, (X, meta(3, dtype=dt.uint64)), {"rate": 1.0}, AttributeValueError, "0 ≤ rate < 1"),
        (ops.dropout, (X, meta(2, 3, dtype=dt.uint64)), {"rate": 0.5}, ShapeError, "not one random state"),
        (ops.sgd_update, (X, FILTERS, meta()), {}, ShapeError, "grad isn't shaped like the parameter"),
        (ops.sgd_update, (X, X, meta(1)), {}, ShapeError, "learning_rate must be 0-d"),
        (
            ops.adam_update,
            (X, X, X, X, meta(dtype=dt.int32), meta()),
            {"beta_1": 1.0},
            AttributeValueError,
            "beta_1 is out of range",
        ),
        (ops.adam_update, (X, X, X, FILTERS, meta(dtype=dt.int32), meta()), {}, ShapeError, "second_moment"),
    ],
)
def test_errors_name_what_does_not_fit(
    operation: Operation, metas: Any, attributes: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        infer(operation, *metas, **attributes)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({}, 7),
        ({"strides": 2}, 11),
        ({"strides": 4}, 20),
        ({"strides": 2, "padding": "same"}, 10),
        ({"strides": 2, "padding": "same", "output_padding": 0}, 9),
        ({"strides": 2, "padding": "same", "output_padding": 1}, 10),
        ({"strides": 2, "output_padding": 1}, 12),
        ({"strides": 2, "padding": ((1, 1),)}, 9),
    ],
)
def test_conv_transpose_has_the_sizes_of_keras(attributes: Any, size: int) -> None:
    assert infer(ops.conv_transpose, meta(2, 5, 8), meta(3, 6, 8), **attributes) == meta(2, size, 6)


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [({"window": 2}, (2, 3, 3, 4)), ({"window": 3, "strides": 2, "padding": "same"}, (2, 4, 3, 4))],
)
def test_pools_and_their_gradients_fit_together(attributes: Any, shape: Any) -> None:
    result = infer(ops.max_pool, X, **attributes)
    assert result == infer(ops.average_pool, X, **attributes) == infer(ops.max_pool_select, X, X, **attributes)
    assert result == meta(*shape)
    assert infer(ops.max_pool_gradient, result, X, **attributes) == X
    assert infer(ops.average_pool_gradient, result, spatial_shape=(7, 6), **attributes) == X


def test_statistics_are_at_least_float32() -> None:
    narrow, wide = meta(2, 3, dtype=dt.bfloat16), meta(2, 3, dtype=dt.float64)
    assert infer(ops.batch_normalization_training, narrow) == (narrow, meta(3), meta(3))
    assert infer(ops.batch_normalization_training, wide, axis=0)[1] == meta(2, dtype=dt.float64)


def test_attention_broadcasts_leading_axes() -> None:
    query, key, value = meta(2, 8, 4, 16), meta(2, 1, 6, 16), meta(2, 1, 6, 32)
    assert infer(ops.scaled_dot_product_attention, query, key, value, meta(4, 6)) == meta(2, 8, 4, 32)


def test_updates_give_an_entry_for_each_accumulator() -> None:
    scalars = meta(dtype=dt.int64), meta()
    assert infer(ops.sgd_update, X, X, meta()) == X
    assert infer(ops.adam_update, X, X, X, X, *scalars) == (X, X, X)
    assert infer(ops.adam_update, X, X, X, X, *scalars, X) == (X, X, X, X)
    assert infer(ops.rmsprop_update, X, X, X, meta(), None, X) == (X, X, X)
    narrow = meta(2, 7, 6, 4, dtype=dt.bfloat16)
    assert infer(ops.momentum_update, narrow, narrow, X, meta()) == (narrow, X)


def test_embedding_puts_features_after_indices() -> None:
    indices = meta(5, 6, dtype=dt.int32)
    assert infer(ops.embedding, meta(9, 2, 3), indices) == meta(5, 6, 2, 3)
    assert infer(ops.embedding_gradient, meta(5, 6, 2, 3), indices, size=9) == meta(9, 2, 3)
