"""What reductions, running totals and the softmax family accept, and the metas they give."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError, ShapeError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation

REDUCTIONS = [
    *(ops.sum, ops.prod, ops.max, ops.min, ops.all, ops.any, ops.count_nonzero),
    *(ops.mean, ops.var, ops.std, ops.logsumexp),
]
X = TensorMeta((2, 3, 4), dt.float32)


def infer(operation: Operation, *metas: TensorMeta | None, **attributes: Any) -> Any:
    return operation.infer(metas, {**operation._defaults, **attributes})


@pytest.mark.parametrize(
    ("axis", "keepdims", "shape"),
    [
        (None, False, ()),
        (None, True, (1, 1, 1)),
        (1, False, (2, 4)),
        (-1, True, (2, 3, 1)),
        ((2, 0), False, (3,)),
        ([0], True, (1, 3, 4)),
        ((), False, (2, 3, 4)),
    ],
    ids=str,
)
@pytest.mark.parametrize("operation", REDUCTIONS, ids=lambda op: op.short_name)
def test_reduced_shapes_and_dtypes(operation: Operation, axis: Any, keepdims: bool, shape: tuple[int, ...]) -> None:
    dtypes = {"all": dt.bool_, "any": dt.bool_, "count_nonzero": dt.int64}
    expected = TensorMeta(shape, dtypes.get(operation.short_name, dt.float32))
    assert infer(operation, X, axis=axis, keepdims=keepdims) == expected


@pytest.mark.parametrize("operation", REDUCTIONS, ids=lambda op: op.short_name)
def test_axes_out_of_range_or_named_twice_are_refused(operation: Operation) -> None:
    name = operation.short_name
    with pytest.raises(ShapeError, match=f"{name}: axis 3 is out of range(.|\n)*from -3 to 2"):
        infer(operation, X, axis=3)
    with pytest.raises(ShapeError, match=f"{name}: axis names an axis twice"):
        infer(operation, X, axis=(1, -2))
    with pytest.raises(AttributeValueError, match=f"{name}: axis must be an int"):
        infer(operation, X, axis=(1.0,))


@pytest.mark.parametrize("operation", [ops.max, ops.min, ops.logsumexp], ids=lambda op: op.short_name)
def test_empty_axes_without_a_value_are_refused(operation: Operation) -> None:
    empty = TensorMeta((2, 0), dt.float32)
    with pytest.raises(ShapeError, match=f"{operation.short_name}: axis 1 is empty"):
        infer(operation, empty)
    assert infer(operation, empty, axis=0).shape == (0,)


def test_sums_keep_small_integers_and_refuse_booleans() -> None:
    assert infer(ops.sum, TensorMeta((3,), dt.uint8)).dtype is dt.uint8
    for operation in (ops.sum, ops.prod):
        with pytest.raises(DTypeError, match=f"{operation.short_name} doesn't take bool"):
            infer(operation, TensorMeta((3,), dt.bool_))
    with pytest.raises(DTypeError, match="max doesn't take complex64"):
        infer(ops.max, TensorMeta((3,), dt.complex64))


@pytest.mark.parametrize("operation", [ops.cumulative_sum, ops.cumulative_prod], ids=lambda op: op.short_name)
def test_running_totals(operation: Operation) -> None:
    assert infer(operation, X, axis=-1) == X
    assert infer(operation, X, axis=1, include_initial=True).shape == (2, 4, 4)
    assert infer(operation, TensorMeta((5,), dt.int8)).shape == (5,)
    for several in (X, TensorMeta((), dt.float32)):
        with pytest.raises(ShapeError, match=f"{operation.short_name}: axis is needed"):
            infer(operation, several)
    with pytest.raises(ShapeError, match="out of range"):
        infer(operation, X, axis=3)


def test_differences() -> None:
    two = TensorMeta((2, 3, 2), dt.float32)
    assert infer(ops.diff, X, None, None).shape == (2, 3, 3)
    assert infer(ops.diff, X, None, None, axis=0, n=5).shape == (0, 3, 4)
    assert infer(ops.diff, X, two, None).shape == (2, 3, 5)
    assert infer(ops.diff, X, two, two, n=2).shape == (2, 3, 6)
    with pytest.raises(ShapeError, match="diff: append can't be joined to x along axis 0"):
        infer(ops.diff, X, None, two, axis=0)
    with pytest.raises(AttributeValueError, match="diff: n is not an int of at least 0"):
        infer(ops.diff, X, None, None, n=-1)


@pytest.mark.parametrize("operation", [ops.softmax, ops.log_softmax], ids=lambda op: op.short_name)
def test_softmax_keeps_the_meta_and_checks_the_axis(operation: Operation) -> None:
    assert infer(operation, X, axis=-3) == X
    with pytest.raises(ShapeError, match=f"{operation.short_name}: axis -4 is out of range"):
        infer(operation, X, axis=-4)
    with pytest.raises(ShapeError, match="no axis: the operand is 0-d"):
        infer(operation, TensorMeta((), dt.float32))
