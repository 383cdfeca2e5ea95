"""From a computation on arrays to a kernel on buffers: results are allocated when it is called, and filled later."""

import numpy as np

from dovetail_protocols.kernels import Unsupported

from .device import DEVICE
from .package import ALL


class Launched:
    """A kernel: queues `compute`, and gives the buffers that it will fill."""

    def __init__(self, call, compute):
        self._name, self._compute = call.operation.short_name, compute
        self._results = [(meta.device.index, meta.shape, np.dtype(meta.dtype.name)) for meta in call.results]

    def __call__(self, *inputs):
        outputs = [DEVICE.empty(*result) for result in self._results]
        self.into(outputs, inputs)
        return outputs[0]

    def into(self, outputs, inputs):
        """Fills buffers that were allocated before."""
        DEVICE.launch(self._name, self._compute, list(inputs), list(outputs))


def computing(make):
    """Makes an implementation of a function from a call's attributes to a computation on arrays."""

    def implementation(call):
        unknown = [meta.dtype.name for meta in call.results if meta.dtype.name not in (*ALL, "uint8", "uint16")]
        if unknown:
            return Unsupported(f"results of dtype {unknown[0]} are not computed here")
        return Launched(call, make(call))

    return implementation
