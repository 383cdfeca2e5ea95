"""Kernels on NumPy buffers: a step at a time, for all of the batch and all channels at once.

The decomposition of selective_scan makes arrays of length · channels · state elements; here there is the state of one
step only, and it stays in the cache.
"""

import numpy as np

from dovetail_protocols.kernels import Unsupported


class Writing:
    """A kernel of one result: `fill(target, *inputs)` writes all of it."""

    def __init__(self, fill, meta):
        self.fill, self.shape, self.dtype = fill, meta.shape, np.dtype(meta.dtype.name)

    def __call__(self, *inputs):
        target = np.empty(self.shape, self.dtype)
        self.fill(target, *inputs)
        return target

    def into(self, outputs, inputs):
        self.fill(outputs[0], *inputs)


def linear_recurrence(call):
    """h[t] = decay[t] · h[t − 1] + inputs[t], each step written in its place."""
    axis, reverse = call.attributes["axis"], call.attributes["reverse"]

    def fill(target, decay, inputs):
        target, decay, inputs = (np.moveaxis(array, axis, 0) for array in (target, decay, inputs))
        before = None
        for step in range(len(target))[:: -1 if reverse else 1]:
            if before is None:
                # decay · 0, and not 0, so that NaN and infinities in decay show as they do in the definition.
                np.multiply(decay[step], target.dtype.type(0), out=target[step, ...])
            else:
                np.multiply(decay[step], before, out=target[step, ...])
            target[step] += inputs[step]
            before = target[step]

    return Writing(fill, call.results[0])


def selective_scan(call):
    """The states of one step after the other, from which its results are read at once."""
    result = call.results[0]
    state = call.operands[2].shape[-1]
    if result.size == 0 or state == 0:
        return Unsupported("takes calls with at least one element and one state only")
    batch, channels = result.shape[:-2], result.shape[-1]

    def fill(target, x, delta, a, b, c, d):
        states, scratch = np.zeros((2, *batch, channels, state), target.dtype)
        written = delta * x
        for step in range(target.shape[-2]):
            np.multiply(delta[..., step, :, None], a, out=scratch)
            np.exp(scratch, out=scratch)
            states *= scratch
            np.multiply(written[..., step, :, None], b[..., step, None, :], out=scratch)
            states += scratch
            np.matmul(states, c[..., step, :, None], out=target[..., step, :, None])
        if d is not None:
            target += d[..., None, :] * x

    return Writing(fill, result)
