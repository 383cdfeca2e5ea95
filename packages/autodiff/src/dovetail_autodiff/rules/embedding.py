"""Embedding and its gradient, each the transpose of the other."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of


@gradient_of(ops.embedding)
def embedding(cotangent: Any, result: Any, table: Any, indices: Any) -> Any:
    return ops.embedding_gradient(cotangent, indices, size=table.shape[0]), None


@jvp_of(ops.embedding)
def embedding_forward(tangents: Any, result: Any, table: Any, indices: Any) -> Any:
    return None if tangents[0] is None else ops.embedding(tangents[0], indices)


@gradient_of(ops.embedding_gradient)
def embedding_gradient(cotangent: Any, result: Any, given: Any, indices: Any, *, size: int) -> Any:
    return ops.embedding(cotangent, indices), None


@jvp_of(ops.embedding_gradient)
def embedding_gradient_forward(tangents: Any, result: Any, given: Any, indices: Any, *, size: int) -> Any:
    return None if tangents[0] is None else ops.embedding_gradient(tangents[0], indices, size=size)
