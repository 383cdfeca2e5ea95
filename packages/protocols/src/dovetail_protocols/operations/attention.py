"""Attention: weighted means of values, weighted by how well keys match queries."""

from __future__ import annotations

from ..errors import ShapeError
from ..metas import TensorMeta
from ..operation import composite
from .shape_rules import broadcast_shapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating, Mask


def _infer_attention(
    query: TensorMeta,
    key: TensorMeta,
    value: TensorMeta,
    mask: TensorMeta | None,
    *,
    scale: float | None,
    is_causal: bool,
) -> TensorMeta:
    name = "scaled_dot_product_attention"
    for operand, meta in (("query", query), ("key", key), ("value", value)):
        if meta.ndim < 2:
            raise ShapeError(
                f"{name}: {operand} has no sequence axis",
                where=f"{name}, {operand}",
                expected="(..., sequence, size)",
                got=f"{meta.shape}",
            )
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(
            f"{name}: queries and keys differ in size",
            where=f"{name}, query axis -1 and key axis -1",
            expected=f"{query.shape[-1]}, from query {query.shape}",
            got=f"{key.shape[-1]}, from key {key.shape}",
        )
    if key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"{name}: there are not as many keys as values",
            where=f"{name}, key axis -2 and value axis -2",
            expected=f"{key.shape[-2]}, from key {key.shape}",
            got=f"{value.shape[-2]}, from value {value.shape}",
        )
    batch = broadcast_shapes(name, query.shape[:-2], key.shape[:-2], value.shape[:-2])
    weights = (*batch, query.shape[-2], key.shape[-2])
    if mask is not None and broadcast_shapes(name, mask.shape, weights) != weights:
        raise ShapeError(
            f"{name}: the mask is larger than the weights",
            where=f"{name}, mask",
            expected=f"a shape that broadcasts to {weights}",
            got=f"{mask.shape}",
        )
    return TensorMeta((*batch, query.shape[-2], value.shape[-1]), query.dtype, query.device)


@composite(version=1, infer=_infer_attention)
def scaled_dot_product_attention(
    query: Floating,
    key: Floating,
    value: Floating,
    mask: Mask | None,
    /,
    *,
    scale: float | None = None,
    is_causal: bool = False,
) -> Floating:
    """softmax(query · keyᵀ · scale + mask) · value: for each query the mean of the values, weighted by its keys' match.

    query: (..., queries, size), key: (..., keys, size), value: (..., keys, value_size); leading axes (batch, heads)
    broadcast, so one key head may serve several query heads. mask broadcasts to (..., queries, keys): bool, True where
    a query may look at a key, or floating, added to the scores (-inf forbids). `is_causal` lets query i look at keys up
    to i only. `scale=None` means 1/√size. A query that may look at no key gets zeros.

    Result: (..., queries, value_size).

    Raises: ShapeError where sizes, sequences or the mask don't fit.
    Source: Vaswani et al. 2017, Attention is all you need, equation 1.
    """
    from . import exp, isfinite, matmul, matrix_transpose, max, stop_gradient, sum, where

    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = _masked(matmul(query * factor, matrix_transpose(key)), mask, is_causal)
    greatest = stop_gradient(max(scores, axis=-1, keepdims=True))
    weights = exp(scores - where(isfinite(greatest), greatest, 0.0))
    total = sum(weights, axis=-1, keepdims=True)
    return matmul(weights / where(total == 0, 1.0, total), value)


def _masked(scores: Floating, mask: Mask | None, is_causal: bool) -> Floating:
    """Scores with -inf where a query may not look."""
    from . import arange, cast, expand_dims, where

    forbidden = float("-inf")
    if mask is not None:
        scores = (
            where(mask, scores, forbidden) if mask.dtype.name == "bool" else scores + cast(mask, dtype=scores.dtype)
        )
    if is_causal:
        queries, keys = scores.shape[-2:]
        allowed = arange(start=keys) <= expand_dims(arange(start=queries), axis=1)
        scores = where(allowed, scores, forbidden)
    return scores
