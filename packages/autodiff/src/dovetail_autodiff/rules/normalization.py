"""Normalizations whose gradient is one operation. Others are differentiated through their decompositions."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of


def _parameter(cotangent: Any, parameter: Any) -> Any:
    """The cotangent of a parameter, in its dtype; None where there is none."""
    if parameter is None or cotangent.dtype is parameter.dtype:
        return None if parameter is None else cotangent
    return ops.cast(cotangent, dtype=parameter.dtype)


@gradient_of(ops.batch_normalization_training)
def batch_normalization_training(
    cotangents: Any, results: Any, x: Any, scale: Any, offset: Any, **attributes: Any
) -> Any:
    dx, scaling, shifting = ops.batch_normalization_gradient(*cotangents, x, scale, **attributes)
    return dx, _parameter(scaling, scale), _parameter(shifting, offset)


@gradient_of(ops.layer_normalization)
def layer_normalization(cotangent: Any, result: Any, x: Any, scale: Any, offset: Any, **attributes: Any) -> Any:
    dx, scaling, shifting = ops.layer_normalization_gradient(cotangent, x, scale, **attributes)
    return dx, _parameter(scaling, scale), _parameter(shifting, offset)
