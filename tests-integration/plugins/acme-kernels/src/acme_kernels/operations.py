"""A new operation, primitive, with its shape rule and its gradient."""

from __future__ import annotations

from typing import Any

from dovetail_protocols.derivatives import gradient_of
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dovetail_protocols.operations.annotations import Floating


@primitive(version=1, namespace="acme")
def signed_power(x: Floating, /, *, exponent: float) -> Floating:
    """sign(x) · |x|^exponent, element by element."""
    return TensorMeta(x.shape, x.dtype, x.device)


@gradient_of(signed_power)
def gradient(cotangent: Any, result: Any, x: Any, *, exponent: float) -> Any:
    return cotangent * exponent * signed_power(abs(x), exponent=exponent - 1.0)
