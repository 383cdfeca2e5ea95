"""The lower and the upper triangle of matrices: linear, and their own adjoints."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .elementwise import derivative_of


@derivative_of(ops.tril)
def tril(u: Any, result: Any, x: Any, *, k: int) -> Any:
    return ops.tril(u, k=k)


@derivative_of(ops.triu)
def triu(u: Any, result: Any, x: Any, *, k: int) -> Any:
    return ops.triu(u, k=k)
