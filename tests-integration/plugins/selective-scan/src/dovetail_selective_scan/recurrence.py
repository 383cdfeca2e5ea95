"""The linear recurrence along an axis: what state space models, moving averages and gated networks are made of."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.control_flow import scan
from dovetail_protocols.errors import AxisError, ShapeError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import composite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dovetail_protocols.operations.annotations import Floating


def _infer(decay: TensorMeta, inputs: TensorMeta, *, axis: int, reverse: bool) -> TensorMeta:
    if decay.ndim != inputs.ndim:
        raise ShapeError(
            "linear_recurrence: decay and inputs differ in rank",
            where="linear_recurrence, decay and inputs",
            expected=f"{inputs.ndim} axes, from inputs {inputs.shape}",
            got=f"{decay.ndim}, from decay {decay.shape}",
        )
    for place, (size, wanted) in enumerate(zip(decay.shape, inputs.shape, strict=True)):
        if size != wanted:
            raise ShapeError(
                "linear_recurrence: decay and inputs differ in size",
                where=f"linear_recurrence, axis {place}",
                expected=f"{wanted}, from inputs {inputs.shape}",
                got=f"{size}, from decay {decay.shape}",
                fix="broadcast decay first, with broadcast_to",
            )
    if not isinstance(axis, int) or not -inputs.ndim <= axis < inputs.ndim:
        raise AxisError(
            "linear_recurrence: there is no such axis",
            where="linear_recurrence, argument axis",
            expected=f"an int from {-inputs.ndim} to {inputs.ndim - 1}" if inputs.ndim else "an array with an axis",
            got=f"{axis!r}, for inputs {inputs.shape}",
        )
    return inputs


@composite(version=1, namespace="ssm", infer=_infer)
def linear_recurrence(decay: Floating, inputs: Floating, /, *, axis: int = 0, reverse: bool = False) -> Floating:
    """h[t] = decay[t] · h[t − 1] + inputs[t] for t = 0, 1, … along `axis`, with h[−1] = 0.

    decay, inputs, result: of one shape. `reverse` goes from the last element to the first:
    h[t] = decay[t] · h[t + 1] + inputs[t].

    Raises: ShapeError where decay and inputs differ; AxisError where there is no such axis.
    Source: Blelloch 1990, Prefix sums and their applications, section 1.4.
    """

    def step(carried: Any, elements: Any) -> Any:
        (state,), (factor, added) = carried, elements
        state = factor * state + added
        return (state,), (state,)

    sequences = (ops.moveaxis(decay, source=axis, destination=0), ops.moveaxis(inputs, source=axis, destination=0))
    start = ops.full(shape=sequences[1].shape[1:], fill_value=0, dtype=inputs.dtype, device=inputs.device)
    states = scan(step, (start,), sequences, reverse=reverse)[1][0]
    return ops.moveaxis(states, source=0, destination=axis)


def shifted(array: Any, axis: int, *, forward: bool) -> Any:
    """The array moved by one element along an axis, with a 0 where one is missing: element t is that of t − 1, or with
    `forward=False` of t + 1."""
    rank = len(array.shape)
    place = axis % rank
    before = (None,) * place
    kept = ops.slice(
        array, starts=(*before, None if forward else 1), stops=(*before, array.shape[place] - 1 if forward else None)
    )
    edge = (*array.shape[:place], min(array.shape[place], 1), *array.shape[place + 1 :])
    zero = ops.full(shape=edge, fill_value=0, dtype=array.dtype, device=array.device)
    return ops.concat(*((zero, kept) if forward else (kept, zero)), axis=place)
