"""`x[key]`: NumPy's indexing, expressed in operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Tensor


def get_item(x: Tensor, key: Any) -> Tensor:
    from .tensor import make

    return make(x._payload[key], x._signature)
