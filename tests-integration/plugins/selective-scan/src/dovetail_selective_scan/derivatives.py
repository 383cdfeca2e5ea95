"""The rules of both operations. They are written in operations, these two among them, so that derivatives of every
order, batches of derivatives and derivatives in traced functions run on the same kernels."""

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.derivatives import batching_of, gradient_of, jvp_of

from .recurrence import linear_recurrence, shifted
from .selective import column, discretized, per_step, row, selective_scan


@gradient_of(linear_recurrence)
def recurrence_gradient(cotangent: Any, result: Any, decay: Any, inputs: Any, *, axis: int, reverse: bool) -> Any:
    """g[t] = cotangent[t] + decay[t + 1] · g[t + 1], which is this recurrence backwards; g · h[t − 1] for decay, g for
    inputs."""
    following = shifted(decay, axis, forward=reverse)
    gradient = linear_recurrence(following, cotangent, axis=axis, reverse=not reverse)
    return lambda: gradient * shifted(result, axis, forward=not reverse), gradient


@jvp_of(linear_recurrence)
def recurrence_tangent(tangents: Any, result: Any, decay: Any, inputs: Any, *, axis: int, reverse: bool) -> Any:
    """The same recurrence, with decay's tangent · h[t − 1] + inputs' tangent as its inputs."""
    of_decay, of_inputs = tangents
    added = None if of_decay is None else of_decay * shifted(result, axis, forward=not reverse)
    return linear_recurrence(decay, _added(added, of_inputs), axis=axis, reverse=reverse)


@batching_of(linear_recurrence)
def recurrence_batched(size: int, is_batched: Any, decay: Any, inputs: Any, *, axis: int, reverse: bool) -> Any:
    """Examples side by side along one more axis."""
    whole = inputs if is_batched[1] else decay
    decay, inputs = (ops.broadcast_to(operand, shape=whole.shape) for operand in (decay, inputs))
    return linear_recurrence(decay, inputs, axis=axis + 1 if axis >= 0 else axis, reverse=reverse)


@gradient_of(selective_scan)
def scan_gradient(cotangent: Any, result: Any, x: Any, delta: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """By the chain rule through the definition, with the states computed again rather than kept.

    g, the cotangent of the states, is the recurrence backwards; e, that of the exponent delta · a, is g · h[t − 1] ·
    decay.
    """
    every = (*cotangent.shape, a.shape[-1])
    decay, inputs = (ops.broadcast_to(one, shape=every) for one in discretized(x, delta, a, b))
    states = linear_recurrence(decay, inputs, axis=-3)
    of_states = ops.broadcast_to(column(cotangent) * row(c), shape=every)
    g = linear_recurrence(shifted(decay, -3, forward=False), of_states, axis=-3, reverse=True)
    e = g * shifted(states, -3, forward=True) * decay
    written = ops.sum(g * row(b), axis=-1)
    skipped = 0 if d is None else per_step(d, axis=-2) * cotangent
    return (
        summed_to(delta * written + skipped, x.shape),
        summed_to(ops.sum(e * per_step(a), axis=-1) + x * written, delta.shape),
        lambda: summed_to(ops.sum(e * column(delta), axis=-3), a.shape),
        lambda: summed_to(ops.sum(g * column(delta * x), axis=-2), b.shape),
        lambda: summed_to(ops.sum(column(cotangent) * states, axis=-2), c.shape),
        None if d is None else lambda: summed_to(ops.sum(cotangent * x, axis=-2), d.shape),
    )


@jvp_of(selective_scan)
def scan_tangent(tangents: Any, result: Any, x: Any, delta: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """By the product rule, with the tangents of the states as one more recurrence."""
    of_x, of_delta, of_a, of_b, of_c, of_d = tangents
    decay, inputs = discretized(x, delta, a, b)
    states = linear_recurrence(decay, inputs, axis=-3)
    exponent = _added(_product(of_delta, per_step(a), column), _product(of_a, column(delta), per_step))
    written = _added(_product(of_delta, x), _product(of_x, delta))
    moved = _added(
        None if exponent is None else exponent * decay * shifted(states, -3, forward=True),
        _added(_product(written, row(b), column), _product(of_b, column(delta * x), row)),
    )
    parts = [] if of_c is None else [ops.sum(states * row(of_c), axis=-1)]
    if moved is not None:
        moved = linear_recurrence(decay, ops.broadcast_to(moved, shape=states.shape), axis=-3)
        parts.append(ops.sum(moved * row(c), axis=-1))
    if of_d is not None:
        parts.append(per_step(of_d, axis=-2) * x)
    if d is not None and of_x is not None:
        parts.append(per_step(d, axis=-2) * of_x)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return ops.broadcast_to(total, shape=result.shape)


@batching_of(selective_scan)
def scan_batched(size: int, is_batched: Any, *operands: Any) -> Any:
    """Examples as one more leading axis, which broadcasts as the others do."""
    own = (2, 2, 2, 2, 2, 1)
    ranks = [0 if o is None else len(o.shape) - was - n for o, was, n in zip(operands, is_batched, own, strict=True)]
    aligned = [
        ops.expand_dims(operand, axis=tuple(range(1, 1 + max(ranks) - rank))) if was and rank < max(ranks) else operand
        for operand, was, rank in zip(operands, is_batched, ranks, strict=True)
    ]
    return selective_scan(*aligned)


def summed_to(array: Any, shape: tuple[int, ...]) -> Any:
    """An array summed over the leading axes along which `shape` was broadcast to its own."""
    added = len(array.shape) - len(shape)
    stretched = tuple(p for p, size in enumerate(shape) if size != array.shape[added + p])
    axes = (*range(added), *(added + place for place in stretched))
    summed = ops.sum(array, axis=axes, keepdims=True) if axes else array
    return ops.reshape(summed, shape=shape)


def _added(first: Any, second: Any) -> Any:
    """The sum of two tangents, either of which may be None for zero."""
    return second if first is None else first if second is None else first + second


def _product(tangent: Any, factor: Any, shaped: Any = None) -> Any:
    if tangent is None:
        return None
    return (tangent if shaped is None else shaped(tangent)) * factor
