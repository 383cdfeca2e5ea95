"""Manipulation of shapes: linear, so that a tangent goes through the operation itself, and a cotangent back through the
one that undoes it."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations.shape_rules import normalize_axes

from ..extend import gradient_of, jvp_of
from .broadcasting import unbroadcast


def linear(operation: Operation) -> None:
    """Declares the forward rule of an operation that is linear in its one operand: the operation itself."""

    def forward(tangents: Any, result: Any, x: Any, **attributes: Any) -> Any:
        return operation(tangents[0], **attributes)

    jvp_of(operation)(forward)


def _reshaping(operation: Operation) -> None:
    """Declares both rules of an operation that keeps the elements in row-major order."""

    def gradient(cotangent: Any, result: Any, x: Any, **attributes: Any) -> Any:
        return ops.reshape(cotangent, shape=x.shape)

    def forward(tangents: Any, result: Any, x: Any, **attributes: Any) -> Any:
        return ops.reshape(tangents[0], shape=result.shape)

    gradient_of(operation)(gradient)
    jvp_of(operation)(forward)


for _operation in (ops.reshape, ops.flatten, ops.expand_dims, ops.squeeze):
    _reshaping(_operation)
for _operation in (
    *(ops.broadcast_to, ops.permute_dims, ops.matrix_transpose, ops.moveaxis, ops.swapaxes, ops.flip, ops.roll),
):
    linear(_operation)


@gradient_of(ops.broadcast_to)
def broadcast_to(cotangent: Any, result: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    return unbroadcast(cotangent, x)


@gradient_of(ops.permute_dims)
def permute_dims(cotangent: Any, result: Any, x: Any, *, axes: tuple[int, ...] | None) -> Any:
    if axes is None:
        return ops.permute_dims(cotangent)
    order = normalize_axes("permute_dims", axes, len(x.shape))
    return ops.permute_dims(cotangent, axes=tuple(order.index(place) for place in range(len(order))))


@gradient_of(ops.matrix_transpose)
def matrix_transpose(cotangent: Any, result: Any, x: Any) -> Any:
    return ops.matrix_transpose(cotangent)


@gradient_of(ops.moveaxis)
def moveaxis(cotangent: Any, result: Any, x: Any, *, source: Any, destination: Any) -> Any:
    return ops.moveaxis(cotangent, source=destination, destination=source)


@gradient_of(ops.swapaxes)
def swapaxes(cotangent: Any, result: Any, x: Any, *, axis1: int, axis2: int) -> Any:
    return ops.swapaxes(cotangent, axis1=axis1, axis2=axis2)


@gradient_of(ops.flip)
def flip(cotangent: Any, result: Any, x: Any, *, axis: Any) -> Any:
    return ops.flip(cotangent, axis=axis)


@gradient_of(ops.roll)
def roll(cotangent: Any, result: Any, x: Any, *, shift: Any, axis: Any) -> Any:
    back = tuple(-step for step in shift) if isinstance(shift, tuple) else -shift
    return ops.roll(cotangent, shift=back, axis=axis)
