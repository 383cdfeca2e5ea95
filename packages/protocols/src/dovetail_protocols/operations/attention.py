"""Attention: weighted means of values, weighted by how well keys match queries."""

from __future__ import annotations

from ..errors import ShapeError
from ..metas import TensorMeta
from ..operation import composite
from .comparison import isfinite
from .creation import arange
from .exponential import exp
from .gradients import stop_gradient
from .indexing import where
from .linear_algebra import matmul
from .manipulation import expand_dims, matrix_transpose, reshape
from .reductions import max, sum
from .shape_rules import broadcast_shapes
from .type_conversion import cast

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
    return matmul(attention_weights(query, key, mask, scale, is_causal), value)


def _infer_gradient(
    cotangent: TensorMeta,
    query: TensorMeta,
    key: TensorMeta,
    value: TensorMeta,
    mask: TensorMeta | None,
    *,
    scale: float | None,
    is_causal: bool,
) -> tuple[TensorMeta, ...]:
    result = _infer_attention(query, key, value, mask, scale=scale, is_causal=is_causal)
    if cotangent.shape != result.shape:
        raise ShapeError(
            "scaled_dot_product_attention_gradient: the cotangent isn't shaped like attention's result",
            where="scaled_dot_product_attention_gradient, cotangent",
            expected=f"{result.shape}",
            got=f"{cotangent.shape}",
        )
    return query, key, value


@composite(version=1, infer=_infer_gradient)
def scaled_dot_product_attention_gradient(
    cotangent: Floating,
    query: Floating,
    key: Floating,
    value: Floating,
    mask: Mask | None,
    /,
    *,
    scale: float | None = None,
    is_causal: bool = False,
) -> tuple[Floating, Floating, Floating]:
    """The cotangents of scaled_dot_product_attention's query, key and value. With the weights P computed again:

        dS = P · (cotangent · valueᵀ - Σ over keys of P · (cotangent · valueᵀ)), element by element
        dS · key · scale, dSᵀ · query · scale, Pᵀ · cotangent

    each summed over the leading axes along which its operand was broadcast.

    Source: Dao et al. 2022, FlashAttention, appendix B.2.
    """
    weights = attention_weights(query, key, mask, scale, is_causal)
    scores = attention_scores_gradient(cotangent, weights, value)
    factor = _factor(query, scale)
    return (
        summed_to(matmul(scores, key) * factor, query.shape),
        summed_to(matmul(matrix_transpose(scores), query) * factor, key.shape),
        summed_to(matmul(matrix_transpose(weights), cotangent), value.shape),
    )


def attention_scores_gradient(cotangent: Floating, weights: Floating, value: Floating) -> Floating:
    """The cotangent of the scores, before the mask is added: (..., queries, keys)."""
    along = matmul(cotangent, matrix_transpose(value))
    return weights * (along - sum(weights * along, axis=-1, keepdims=True))


def attention_weights(
    query: Floating, key: Floating, mask: Mask | None, scale: float | None, is_causal: bool
) -> Floating:
    """The weights of the values for each query: (..., queries, keys), each row summing to 1, or to 0 where a query may
    look at no key."""
    scores = _masked(matmul(query * _factor(query, scale), matrix_transpose(key)), mask, is_causal)
    greatest = stop_gradient(max(scores, axis=-1, keepdims=True))
    weights = exp(scores - where(isfinite(greatest), greatest, 0.0))
    total = sum(weights, axis=-1, keepdims=True)
    return weights / where(total == 0, 1.0, total)


def summed_to(array: Floating, shape: tuple[int, ...]) -> Floating:
    """An array summed over the axes along which `shape` was broadcast to its own."""
    added = len(array.shape) - len(shape)
    stretched = tuple(
        axis for axis, size in enumerate(array.shape) if axis < added or (shape[axis - added] == 1 and size != 1)
    )
    return reshape(sum(array, axis=stretched, keepdims=True), shape=shape) if stretched else array


def _factor(query: Floating, scale: float | None) -> float:
    return query.shape[-1] ** -0.5 if scale is None else scale


def _masked(scores: Floating, mask: Mask | None, is_causal: bool) -> Floating:
    """Scores with -inf where a query may not look."""
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
