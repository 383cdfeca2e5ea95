"""Both operations as they are defined, on NumPy arrays, an element at a time: slow, and plain to see."""

import numpy as np


def recurrence(decay, inputs, *, axis=0, reverse=False):
    """`linear_recurrence`, an element at a time."""
    decay, inputs = np.moveaxis(decay, axis, 0), np.moveaxis(inputs, axis, 0)
    states = np.zeros_like(inputs)
    for index in np.ndindex(inputs.shape[1:]):
        state = 0.0
        for step in reversed(range(len(inputs))) if reverse else range(len(inputs)):
            state = states[(step, *index)] = decay[(step, *index)] * state + inputs[(step, *index)]
    return np.moveaxis(states, 0, axis)


def scan(x, delta, a, b, c, d=None):
    """`selective_scan`, a channel and a step at a time."""
    leading = [(x, 2), (delta, 2), (a, 2), (b, 2), (c, 2), (np.zeros(x.shape[-1]) if d is None else d, 1)]
    batch = np.broadcast_shapes(*[operand.shape[: operand.ndim - own] for operand, own in leading])
    x, delta, a, b, c, d = (
        np.broadcast_to(operand, (*batch, *operand.shape[operand.ndim - own :])) for operand, own in leading
    )
    result = np.zeros(x.shape)
    for *example, channel in np.ndindex(*batch, x.shape[-1]):
        at = tuple(example)
        state = np.zeros(a.shape[-1])
        for step in range(x.shape[-2]):
            here = (*at, step, channel)
            state = np.exp(delta[here] * a[(*at, channel)]) * state + delta[here] * b[(*at, step)] * x[here]
            result[here] = c[(*at, step)] @ state + d[(*at, channel)] * x[here]
    return result
