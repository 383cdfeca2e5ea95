"""What elementwise, creation and triangle operations accept, and the metas they give."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError, ShapeError
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.operation import Operation

FAMILIES = ("arithmetic", "signs", "complex_numbers", "exponential", "trigonometric", "special", "rounding")
FAMILIES += ("comparison", "logical", "bitwise", "activations", "gradients")
OPERATIONS = [
    operation for operation in (getattr(ops, name) for name in ops.__all__) if operation.source_file in FAMILIES
]
TO_BOOLEAN = {"signbit", *(op.short_name for op in OPERATIONS if op.source_file == "comparison")}
TO_REAL = {"abs", "real", "imag"}


def infer(operation: Operation, *metas: TensorMeta | None, **attributes: Any) -> Any:
    left_out = [None] * (len(operation.operands) - len(metas))
    return operation.infer([*metas, *left_out], {**operation._defaults, **attributes})


def required(operation: Operation) -> int:
    return sum(not operand.optional for operand in operation.operands)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: op.short_name)
def test_shape_dtype_and_device_of_elementwise_results(operation: Operation) -> None:
    gpu = Device("cuda", 1)
    for dtype in dt.ALL:
        if dtype.name not in operation.operands[0].dtypes:
            continue
        x = TensorMeta((2, 0, 3), dtype, gpu)
        expected = dtype
        if operation.short_name in TO_BOOLEAN:
            expected = dt.bool_
        elif operation.short_name in TO_REAL:
            expected = {dt.complex64: dt.float32, dt.complex128: dt.float64}.get(dtype, dtype)
        assert infer(operation, *[x] * required(operation)) == TensorMeta(x.shape, expected, gpu)


@pytest.mark.parametrize("operation", [op for op in OPERATIONS if required(op) == 2], ids=lambda op: op.short_name)
def test_operands_broadcast(operation: Operation) -> None:
    dtype = next(dtype for dtype in dt.ALL if dtype.name in operation.operands[0].dtypes)
    left, right = TensorMeta((4, 1, 3), dtype), TensorMeta((2, 1), dtype)
    assert infer(operation, left, right).shape == (4, 2, 3)
    with pytest.raises(ShapeError, match=f"{operation.short_name}: shapes .* do not broadcast"):
        infer(operation, TensorMeta((3,), dtype), TensorMeta((2,), dtype))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: op.short_name)
def test_dtypes_outside_of_the_constraint_are_refused(operation: Operation) -> None:
    for dtype in dt.ALL:
        if dtype.name not in operation.operands[0].dtypes:
            with pytest.raises(DTypeError, match=f"{operation.short_name} doesn't take {dtype}"):
                infer(operation, *[TensorMeta((2,), dtype)] * required(operation))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: op.short_name)
def test_the_documentation_states_a_source(operation: Operation) -> None:
    assert operation.__doc__
    assert "Source: " in operation.__doc__


def test_clip_broadcasts_the_bounds_that_are_there() -> None:
    x, low, high = (TensorMeta(shape, dt.float32) for shape in ((3,), (2, 1), (4, 1, 1)))
    assert infer(ops.clip, x, None, None).shape == (3,)
    assert infer(ops.clip, x, low, None).shape == (2, 3)
    assert infer(ops.clip, x, None, high).shape == (4, 1, 3)
    assert infer(ops.clip, x, low, high).shape == (4, 2, 3)


# ---------------------------------------------------------------------- creation


def test_full_takes_the_dtype_of_the_number_unless_told() -> None:
    assert infer(ops.full, shape=3, fill_value=True) == TensorMeta((3,), dt.bool_)
    assert infer(ops.full, shape=(), fill_value=1) == TensorMeta((), dt.int32)
    assert infer(ops.full, shape=(2, 0), fill_value=1.5) == TensorMeta((2, 0), dt.float32)
    assert infer(ops.full, shape=(1,), fill_value=0, dtype="bfloat16").dtype is dt.bfloat16
    assert infer(ops.full, shape=(1,), fill_value=0, device="cuda:1").device == Device("cuda", 1)


@pytest.mark.parametrize("shape", [(-1,), (2.0,), (True,)])
def test_full_refuses_what_is_no_shape(shape: Any) -> None:
    with pytest.raises(AttributeValueError, match="full: shape"):
        infer(ops.full, shape=shape, fill_value=0)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"start": 5}, TensorMeta((5,), dt.int32)),
        ({"start": 2, "stop": 7, "step": 2}, TensorMeta((3,), dt.int32)),
        ({"start": 7, "stop": 2, "step": -2}, TensorMeta((3,), dt.int32)),
        ({"start": 7, "stop": 2}, TensorMeta((0,), dt.int32)),
        ({"start": 0.0, "stop": 1.0, "step": 0.1}, TensorMeta((10,), dt.float32)),
        ({"start": 2**31}, TensorMeta((2**31,), dt.int64)),
        ({"start": 3, "dtype": dt.float16}, TensorMeta((3,), dt.float16)),
    ],
    ids=str,
)
def test_arange(attributes: dict[str, Any], expected: TensorMeta) -> None:
    assert infer(ops.arange, **attributes) == expected


class Size(int):
    """A size that remembers its symbol, as tracing with unknown sizes has them."""

    def __sub__(self, other: int) -> Size:
        return Size(int(self) - other)

    def __neg__(self) -> Size:
        return Size(-int(self))

    def __floordiv__(self, other: int) -> Size:
        return Size(int(self) // other)


def test_arange_over_an_unknown_size_keeps_its_symbol() -> None:
    (length,) = infer(ops.arange, start=0, stop=Size(7), step=2).shape
    assert length == 4
    assert type(length) is Size


def test_arange_refuses_a_step_of_zero_and_dtypes_without_order() -> None:
    with pytest.raises(AttributeValueError, match="arange: step must not be 0"):
        infer(ops.arange, start=3, step=0)
    with pytest.raises(DTypeError, match="arange doesn't give complex64"):
        infer(ops.arange, start=3, dtype=dt.complex64)


def test_linspace_and_eye() -> None:
    assert infer(ops.linspace, start=0, stop=1, num=4) == TensorMeta((4,), dt.float32)
    assert infer(ops.linspace, start=0, stop=1j, num=0) == TensorMeta((0,), dt.complex64)
    assert infer(ops.eye, n_rows=3) == TensorMeta((3, 3), dt.float32)
    assert infer(ops.eye, n_rows=3, n_cols=0, dtype=dt.bool_) == TensorMeta((3, 0), dt.bool_)
    with pytest.raises(AttributeValueError, match="linspace: num is not an int of at least 0"):
        infer(ops.linspace, start=0, stop=1, num=-1)
    with pytest.raises(DTypeError, match="linspace doesn't give int32"):
        infer(ops.linspace, start=0, stop=1, num=2, dtype=dt.int32)
    with pytest.raises(AttributeValueError, match="eye"):
        infer(ops.eye, n_rows=-1)


@pytest.mark.parametrize("operation", [ops.tril, ops.triu], ids=lambda op: op.short_name)
def test_triangles_need_matrices(operation: Operation) -> None:
    x = TensorMeta((5, 2, 3), dt.bool_)
    assert infer(operation, x, k=9) == x
    with pytest.raises(ShapeError, match=f"{operation.short_name}: x is not a matrix"):
        infer(operation, TensorMeta((3,), dt.float32))
