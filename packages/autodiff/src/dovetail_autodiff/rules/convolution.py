"""Convolution: three operations, each linear in both operands, that are one another's derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operation import Operation

from ..extend import gradient_of, jvp_of


@gradient_of(ops.conv)
def conv(cotangent: Any, result: Any, x: Any, filters: Any, **attributes: Any) -> Any:
    return (
        lambda: ops.conv_input_gradient(cotangent, filters, spatial_shape=x.shape[1:-1], **attributes),
        lambda: ops.conv_filter_gradient(x, cotangent, window=filters.shape[:-2], **attributes),
    )


@gradient_of(ops.conv_input_gradient)
def conv_input_gradient(
    cotangent: Any, result: Any, given: Any, filters: Any, *, spatial_shape: Any, **attributes: Any
) -> Any:
    return (
        lambda: ops.conv(cotangent, filters, **attributes),
        lambda: ops.conv_filter_gradient(cotangent, given, window=filters.shape[:-2], **attributes),
    )


@gradient_of(ops.conv_filter_gradient)
def conv_filter_gradient(cotangent: Any, result: Any, x: Any, given: Any, *, window: Any, **attributes: Any) -> Any:
    return (
        lambda: ops.conv_input_gradient(given, cotangent, spatial_shape=x.shape[1:-1], **attributes),
        lambda: ops.conv(x, cotangent, **attributes),
    )


def _bilinear(operation: Operation) -> Callable[..., Any]:
    """The forward rule of an operation that is linear in each of two operands."""

    def forward(tangents: Any, result: Any, first: Any, second: Any, **attributes: Any) -> Any:
        terms = [
            operation(*pair, **attributes)
            for pair in ((tangents[0], second), (first, tangents[1]))
            if pair[0] is not None and pair[1] is not None
        ]
        return terms[0] if len(terms) == 1 else terms[0] + terms[1]

    return forward


for _operation in (ops.conv, ops.conv_input_gradient, ops.conv_filter_gradient):
    jvp_of(_operation)(_bilinear(_operation))
