"""What operations of manipulation, indexing, searching and products accept, and how they refuse the rest."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError, ShapeError, TraceError
from dovetail_protocols.metas import UNKNOWN_SIZE, TensorMeta
from dovetail_protocols.operation import Operation


def f32(*shape: int) -> TensorMeta:
    return TensorMeta(shape, dt.float32)


def i32(*shape: int) -> TensorMeta:
    return TensorMeta(shape, dt.int32)


def infer(operation: Operation, *metas: TensorMeta, **attributes: Any) -> Any:
    return operation.infer(metas, operation._defaults | attributes)


class Size(int):
    """A size that must keep its type on the way, as one does that stands for an unknown size while tracing."""

    def __mul__(self, other: int) -> int:
        return Size(int(self) * other)

    __rmul__ = __mul__

    def __add__(self, other: int) -> int:
        return Size(int(self) + other)

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        return Size(int(self) - other)

    def __rsub__(self, other: int) -> int:
        return Size(other - int(self))

    def __floordiv__(self, other: int) -> int:
        return Size(int(self) // other)


REFUSED: list[tuple[Operation, tuple[TensorMeta, ...], dict[str, Any], type[Exception], str]] = [
    (ops.reshape, (f32(2, 3),), {"shape": (4, -1)}, ShapeError, "6 elements do not fill"),
    (ops.reshape, (f32(2, 3),), {"shape": (5,)}, ShapeError, "expected: 5 elements\n  got: 6"),
    (ops.reshape, (f32(0, 3),), {"shape": (0, -1)}, ShapeError, "do not fill"),
    (ops.reshape, (f32(2, 3),), {"shape": (-1, -1)}, AttributeValueError, "2 sizes open"),
    (ops.reshape, (f32(2, 3),), {"shape": (-2, 3)}, AttributeValueError, "an int of at least 0"),
    (ops.reshape, (f32(2, 3),), {"shape": (2.0, 3)}, AttributeValueError, "shape is not an int"),
    (ops.flatten, (f32(2, 3),), {"start_axis": 1, "end_axis": 0}, ShapeError, "end_axis is before start_axis"),
    (ops.broadcast_to, (f32(2, 3),), {"shape": (3, 3)}, ShapeError, "broadcast_to, axis 0 of x"),
    (ops.broadcast_to, (f32(2, 3),), {"shape": (3,)}, ShapeError, "does not broadcast"),
    (ops.broadcast_arrays, (f32(2), f32(3)), {}, ShapeError, "do not broadcast"),
    (ops.expand_dims, (f32(2),), {"axis": 2}, ShapeError, "axis 2 is out of range"),
    (ops.expand_dims, (f32(2),), {"axis": (0, -3)}, ShapeError, "names an axis twice"),
    (ops.squeeze, (f32(2, 1),), {"axis": 0}, ShapeError, "axis 0 of .2, 1. is not of size 1"),
    (ops.permute_dims, (f32(2, 3),), {"axes": (0,)}, ShapeError, "must name every axis"),
    (ops.permute_dims, (f32(2, 3),), {"axes": (0, 0)}, ShapeError, "names an axis twice"),
    (ops.matrix_transpose, (f32(3),), {}, ShapeError, "x is no matrix"),
    (ops.moveaxis, (f32(2, 3),), {"source": (0, 1), "destination": 0}, ShapeError, "differ in length"),
    (ops.swapaxes, (f32(2, 3),), {"axis1": 0, "axis2": 2}, ShapeError, "axis2 2 is out of range"),
    (ops.flip, (f32(2, 3),), {"axis": 2}, ShapeError, "out of range"),
    (ops.roll, (f32(2, 3),), {"shift": (1, 2), "axis": 0}, AttributeValueError, "shift and axis differ in length"),
    (ops.roll, (f32(2, 3),), {"shift": (1,), "axis": None}, AttributeValueError, "shift is not an int"),
    (ops.concat, (f32(2, 3), f32(2)), {}, ShapeError, "array 1"),
    (ops.concat, (f32(2, 3), f32(2, 4)), {}, ShapeError, "concat, array 1, axis 1"),
    (ops.concat, (f32(), f32()), {}, ShapeError, "0-d"),
    (ops.concat, (), {}, ShapeError, "no arrays"),
    (ops.stack, (f32(2), f32(3)), {}, ShapeError, "stack, array 1, axis 0"),
    (ops.unstack, (f32(),), {}, ShapeError, "out of range"),
    (ops.split, (f32(5),), {"sections": 2}, ShapeError, "does not divide into 2 equal parts"),
    (ops.split, (f32(5),), {"sections": (2, 2)}, ShapeError, "expected: 5\n  got: 4"),
    (ops.split, (f32(5),), {"sections": (-1, -1)}, AttributeValueError, "several sizes"),
    (ops.slice, (f32(5),), {"starts": (0, 0), "stops": (1, 1)}, ShapeError, "more axes are sliced"),
    (ops.slice, (f32(5),), {"starts": (0,), "stops": (1, 1)}, AttributeValueError, "differ in length"),
    (ops.slice, (f32(5),), {"starts": (0,), "stops": (1,), "strides": (0,)}, AttributeValueError, "a stride is 0"),
    (ops.slice, (f32(5),), {"starts": (0.5,), "stops": (1,)}, AttributeValueError, "starts is not an int"),
    (ops.scatter_slice, (f32(2),), {"shape": (5,), "starts": (0,), "stops": (3,)}, ShapeError, "don't fill the slice"),
    (ops.dynamic_slice, (f32(5), i32()), {"sizes": (6,)}, ShapeError, "longer than the axis"),
    (ops.dynamic_slice, (f32(5), i32(1)), {"sizes": (2,)}, ShapeError, "a start is not 0-d"),
    (ops.dynamic_slice, (f32(5), i32(), i32()), {"sizes": (2,)}, ShapeError, "1 starts and 1 sizes"),
    (ops.dynamic_slice, (f32(5), f32()), {"sizes": (2,)}, DTypeError, "doesn't take float32"),
    (ops.dynamic_update_slice, (f32(5), f32(6), i32()), {}, ShapeError, "longer than the axis"),
    (ops.strided_slice, (f32(5),), {"begin": (7,), "end": (8,), "shrink_axis_mask": 1}, ShapeError, "out of range"),
    (ops.strided_slice, (f32(5),), {"begin": (0,), "end": (1, 2)}, AttributeValueError, "differ in length"),
    (ops.repeat, (f32(5),), {"repeats": -1}, AttributeValueError, "repeats is not an int of at least 0"),
    (ops.tile, (f32(5),), {"repetitions": (-1,)}, AttributeValueError, "repetitions"),
    (ops.pad, (f32(5),), {"padding": ((1, 2), (3, 4))}, ShapeError, "padding doesn't fit 1 axes"),
    (ops.pad, (f32(5),), {"padding": -1}, AttributeValueError, "at least 0"),
    (ops.pad, (f32(5),), {"padding": 1, "mode": "mirror"}, AttributeValueError, "unknown mode 'mirror'"),
    (ops.pad, (f32(3),), {"padding": 3, "mode": "reflect"}, ShapeError, "at most 2 for an axis of 3"),
    (ops.pad, (i32(3),), {"padding": 1, "value": 0.5}, AttributeValueError, "value 0.5 is no int32"),
    (ops.where, (f32(3), f32(3), f32(3)), {}, DTypeError, "operand 'condition'"),
    (ops.take, (f32(2, 3), i32(2)), {}, ShapeError, "axis is left out"),
    (ops.take, (f32(2, 3), i32(2)), {"axis": 2}, ShapeError, "out of range"),
    (ops.take, (f32(3), f32(2)), {}, DTypeError, "operand 'indices'"),
    (ops.take_along_axis, (f32(2, 3), i32(2)), {}, ShapeError, "differ in rank"),
    (ops.take_along_axis, (f32(2, 3), i32(3, 1)), {}, ShapeError, "do not broadcast"),
    (ops.put_along_axis, (f32(2, 3), i32(2, 1), f32(2, 2)), {}, ShapeError, "values don't broadcast"),
    (ops.put_along_axis, (f32(2, 3), i32(2, 1), f32(1)), {"mode": "max"}, AttributeValueError, "unknown mode"),
    (ops.gather_nd, (f32(2, 3), i32(4, 3)), {}, ShapeError, "whose last is of size 0 to 2"),
    (ops.gather_nd, (f32(2, 3), i32()), {}, ShapeError, "last axis of the indices"),
    (ops.gather_nd, (f32(2, 3), i32(4, 1)), {"batch_dims": 1}, ShapeError, "first 1 axes of x and indices differ"),
    (ops.gather, (f32(2, 3), i32(3, 1)), {"batch_dims": 1}, ShapeError, "first 1 axes of x and indices differ"),
    (ops.gather, (f32(2, 3), i32(2, 1)), {"batch_dims": 1, "axis": 0}, ShapeError, "among the batch axes"),
    (ops.scatter_nd, (i32(4, 1), f32(4, 3)), {"shape": (5, 2)}, ShapeError, "expected: .4, 2."),
    (ops.scatter, (f32(2, 3), i32(4, 1), f32(4)), {}, ShapeError, "updates don't fit"),
    (ops.scatter, (f32(2), i32(4, 1), f32(4)), {"mode": "replace"}, AttributeValueError, "unknown mode 'replace'"),
    (ops.one_hot, (i32(2),), {"depth": -1}, AttributeValueError, "depth is not an int of at least 0"),
    (ops.one_hot, (i32(2),), {"depth": 2, "dtype": "int32", "on_value": 0.5}, AttributeValueError, "is no int32"),
    (ops.argmax, (f32(2, 0),), {"axis": 1}, ShapeError, "no elements to choose from"),
    (ops.argmin, (TensorMeta((2,), dt.complex64),), {}, DTypeError, "complex64"),
    (ops.searchsorted, (f32(2, 2), f32(2)), {}, ShapeError, "x1 is not 1-d"),
    (ops.searchsorted, (f32(2), f32(2), i32(3)), {}, ShapeError, "sorter doesn't order x1"),
    (ops.searchsorted, (f32(2), f32(2)), {"side": "both"}, AttributeValueError, "unknown side"),
    (ops.top_k, (f32(3),), {"k": 4}, ShapeError, "k exceeds the axis"),
    (ops.sort, (f32(),), {}, ShapeError, "0-d"),
    (ops.matmul, (f32(2, 3), f32(2, 3)), {}, ShapeError, "inner axes differ"),
    (ops.matmul, (f32(), f32(3)), {}, ShapeError, "x1 is 0-d"),
    (ops.tensordot, (f32(2, 3), f32(3, 2)), {}, ShapeError, "summed axes differ in size"),
    (ops.tensordot, (f32(2, 3), f32(3)), {"axes": 2}, ShapeError, "more axes are summed"),
    (ops.tensordot, (f32(2, 3), f32(3)), {"axes": ((0, 1), (0,))}, ShapeError, "axes differ in number"),
    (ops.vecdot, (f32(3), f32(2)), {}, ShapeError, "differ in length"),
    (ops.vecdot, (f32(3), f32(2, 3)), {"axis": 0}, ShapeError, "axis must be negative"),
    (ops.outer, (f32(3), f32(2, 3)), {}, ShapeError, "x2 is no vector"),
    (ops.cross, (f32(3), f32(2)), {}, ShapeError, "aren't of length 3"),
    (ops.diagonal, (f32(3),), {}, ShapeError, "x is no matrix"),
    (ops.trace, (f32(3, 3),), {"offset": 0.5}, AttributeValueError, "offset is not an int"),
    (ops.einsum, (f32(2, 3),), {"subscripts": "ij,jk->ik"}, AttributeValueError, "for each of 1 operands"),
    (ops.einsum, (f32(2, 3),), {"subscripts": "ijk"}, ShapeError, "operand 0 has 2 axes"),
    (ops.einsum, (f32(2, 3),), {"subscripts": "ij->k"}, AttributeValueError, "only letters that an operand has"),
    (ops.einsum, (f32(2, 3),), {"subscripts": "ij->ii"}, AttributeValueError, "each letter once"),
    (ops.einsum, (f32(2, 3),), {"subscripts": "...j->j"}, AttributeValueError, "an ellipsis after -> too"),
    (ops.einsum, (f32(2, 3),), {"subscripts": "i1->i"}, AttributeValueError, "can't read 'i1->i'"),
    (ops.einsum, (f32(2, 3),), {"subscripts": "ii"}, ShapeError, "axes labelled 'i' differ in size"),
    (ops.einsum, (f32(2), f32(3)), {"subscripts": "i,i"}, ShapeError, "einsum, operand 1"),
    (ops.vector_norm, (f32(2),), {"ord": "fro"}, AttributeValueError, "ord is no number"),
    (ops.vector_norm, (f32(0),), {"ord": float("inf")}, ShapeError, "empty axis"),
    (ops.vector_norm, (i32(2),), {}, DTypeError, "int32"),
]


@pytest.mark.parametrize(("operation", "metas", "attributes", "error", "message"), REFUSED)
def test_an_invalid_call_is_refused_with_its_reason(operation, metas, attributes, error, message):
    with pytest.raises(error, match=message):
        infer(operation, *metas, **attributes)


@pytest.mark.parametrize(
    ("operation", "metas", "attributes", "expected"),
    [
        (ops.reshape, (f32(2, 3),), {"shape": 6}, f32(6)),
        (ops.reshape, (f32(0, 3),), {"shape": (-1, 5)}, f32(0, 5)),
        (ops.split, (f32(2, 5),), {"sections": (1, -1), "axis": -1}, (f32(2, 1), f32(2, 4))),
        (ops.unstack, (f32(2, 3),), {"axis": 1}, (f32(2),) * 3),
        (ops.take, (f32(2, 3, 4), i32(5, 6)), {"axis": 1}, f32(2, 5, 6, 4)),
        (ops.gather_nd, (f32(2, 3, 4), i32(7, 2)), {}, f32(7, 4)),
        (ops.top_k, (f32(2, 3),), {"k": 2}, (f32(2, 2), TensorMeta((2, 2), dt.int64))),
        (ops.searchsorted, (f32(3), f32(2, 2)), {}, TensorMeta((2, 2), dt.int64)),
        (ops.einsum, (f32(2, 1, 3), f32(5, 4)), {"subscripts": "b...i,...j"}, None),
        (ops.vector_norm, (TensorMeta((2,), dt.complex64),), {}, f32()),
    ],
)
def test_a_valid_call_gives_its_meta(operation, metas, attributes, expected):
    found = infer(operation, *metas, **attributes)
    assert found == (f32(5, 2, 3, 4) if expected is None else expected)


@pytest.mark.parametrize(
    "operation",
    [op for op in (getattr(ops, name) for name in ops.__all__) if op.data_dependent],
    ids=lambda op: op.short_name,
)
def test_an_operation_whose_shape_depends_on_values_infers_only_for_evaluators(operation):
    second = {"boolean_mask": (TensorMeta((2, 3), dt.bool_),), "repeat_each": (i32(2),)}
    first = i32(3) if operation is ops.repeat_indices else f32(2, 3)
    metas = (first, *second.get(operation.short_name, ()))
    attributes = operation._defaults | ({"axis": 0} if operation is ops.repeat_each else {})
    with pytest.raises(TraceError, match="depends on the values"):
        operation.infer(metas, attributes)
    results = operation.infer_with_values(metas, attributes)
    results = results if isinstance(results, tuple) else (results,)
    assert any(UNKNOWN_SIZE in meta.shape for meta in results)


def test_data_dependent_operations_are_marked():
    marked = {name for name in ops.__all__ if getattr(ops, name).data_dependent}
    assert marked == {
        *("nonzero", "boolean_mask", "repeat_indices", "repeat_each"),
        *("unique_all", "unique_counts", "unique_inverse", "unique_values"),
    }


@pytest.mark.parametrize(
    ("operation", "attributes"),
    [
        (ops.reshape, {"shape": (-1, 3)}),
        (ops.flatten, {}),
        (ops.permute_dims, {"axes": (1, 0)}),
        (ops.expand_dims, {"axis": -1}),
        (ops.roll, {"shift": 1, "axis": 0}),
        (ops.slice, {"starts": (None, 0), "stops": (None, 1)}),
        (ops.slice, {"starts": (1,), "stops": (None,)}),
        (ops.slice, {"starts": (None,), "stops": (-1,), "strides": (2,)}),
        (ops.slice, {"starts": (-1,), "stops": (None,), "strides": (-2,)}),
        (ops.concat, {"axis": 0}),
        (ops.stack, {}),
        (ops.repeat, {"repeats": 2}),
        (ops.tile, {"repetitions": (2, 1)}),
        (ops.pad, {"padding": 1}),
        (ops.sort, {"axis": 0}),
        (ops.einsum, {"subscripts": "ij->ji"}),
    ],
)
def test_sizes_that_remember_where_they_come_from_survive(operation, attributes):
    meta = TensorMeta((Size(8), 3), dt.float32)
    assert any(type(size) is Size for size in infer(operation, meta, **attributes).shape)
