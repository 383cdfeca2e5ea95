"""The selective scan of Mamba: a state space model whose matrices depend on the input."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import ShapeError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import composite
from dovetail_protocols.operations.shape_rules import broadcast_shapes

from .recurrence import linear_recurrence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dovetail_protocols.operations.annotations import Floating

NAME = "selective_scan"
AXES = {
    "x": ("length", "channels"),
    "delta": ("length", "channels"),
    "a": ("channels", "state"),
    "b": ("length", "state"),
    "c": ("length", "state"),
    "d": ("channels",),
}
"""The last axes of each operand; axes before them are of the batch, and broadcast."""


def _infer(
    x: TensorMeta, delta: TensorMeta, a: TensorMeta, b: TensorMeta, c: TensorMeta, d: TensorMeta | None
) -> TensorMeta:
    sizes: dict[str, tuple[int, str]] = {}
    batches = []
    for operand, meta in {"x": x, "delta": delta, "a": a, "b": b, "c": c, "d": d}.items():
        if meta is None:
            continue
        axes = AXES[operand]
        if meta.ndim < len(axes):
            raise ShapeError(
                f"{NAME}: {operand} has too few axes",
                where=f"{NAME}, {operand}",
                expected=f"(..., {', '.join(axes)})",
                got=f"{meta.shape}",
            )
        first = meta.ndim - len(axes)
        batches.append(meta.shape[:first])
        for place, axis in enumerate(axes):
            size, giver = sizes.setdefault(axis, (meta.shape[first + place], operand))
            if meta.shape[first + place] != size:
                raise ShapeError(
                    f"{NAME}: {giver} and {operand} differ in {axis}",
                    where=f"{NAME}, {operand}, axis {place - len(axes)} ({axis})",
                    expected=f"{size}, from {giver}",
                    got=f"{meta.shape[first + place]}, from {operand} {meta.shape}",
                )
    return TensorMeta((*broadcast_shapes(NAME, *batches), sizes["length"][0], sizes["channels"][0]), x.dtype, x.device)


@composite(version=1, namespace="ssm", infer=_infer)
def selective_scan(
    x: Floating, delta: Floating, a: Floating, b: Floating, c: Floating, d: Floating | None, /
) -> Floating:
    """y[t] = Σ over the state of c[t] · h[t] + d · x[t], for each channel with a state of its own:

        h[t] = exp(delta[t] · a) · h[t − 1] + delta[t] · b[t] · x[t], h[−1] = 0

    x: (..., length, channels); delta: (..., length, channels), positive, the step by which each channel's state is
    moved; a: (..., channels, state), negative where the state is to decay; b, c: (..., length, state), what is
    written to and read from the state; d: (..., channels). Leading axes (batch) broadcast.

    Result: (..., length, channels).

    Raises: ShapeError, naming the operands and the axis that differ.
    Source: Gu and Dao 2023, Mamba, algorithm 2 and equation 2a, with b discretized as delta · b.
    """
    decay, inputs = discretized(x, delta, a, b)
    return read_out(linear_recurrence(decay, inputs, axis=-3), c, d, x)


def discretized(x: Any, delta: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """exp(delta · a) and delta · b · x, both (..., length, channels, state)."""
    decay = ops.exp(column(delta) * per_step(a))
    inputs = column(delta * x) * row(b)
    shape = broadcast_shapes(NAME, decay.shape, inputs.shape)
    return ops.broadcast_to(decay, shape=shape), ops.broadcast_to(inputs, shape=shape)


def read_out(states: Any, c: Any, d: Any, x: Any) -> Any:
    """Σ over the state of c · states, and d · x where there is d: (..., length, channels)."""
    result = ops.sum(states * row(c), axis=-1)
    return result if d is None else result + per_step(d, axis=-2) * x


def column(array: Any) -> Any:
    """(..., length, channels) as (..., length, channels, 1)."""
    return ops.expand_dims(array, axis=-1)


def row(array: Any) -> Any:
    """(..., length, state) as (..., length, 1, state)."""
    return ops.expand_dims(array, axis=-2)


def per_step(array: Any, axis: int = -3) -> Any:
    """(..., channels, state) as (..., 1, channels, state); with axis −2 (..., channels) as (..., 1, channels)."""
    return ops.expand_dims(array, axis=axis)
