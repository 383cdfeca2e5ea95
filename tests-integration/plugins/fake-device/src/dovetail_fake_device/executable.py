"""A compiled run of arithmetic: one launch for all of its nodes."""

import numpy as np

from .device import DEVICE


class Executable:
    """Called with buffers, gives buffers: those of new values of variables in place of donated ones."""

    def __init__(self, graph, donated):
        self._graph = graph
        self._constants = [constant.array.payload for constant in graph.constants]
        self._results = [(v.meta.device.index, v.meta.shape, np.dtype(v.meta.dtype.name)) for v in graph.outputs]
        self._over = {state.output: state.input for state in graph.states if state.input in donated}

    def __call__(self, *inputs):
        outputs = [
            inputs[self._over[place]] if place in self._over else DEVICE.empty(*result)
            for place, result in enumerate(self._results)
        ]
        DEVICE.launch(self._graph.name, self._compute, [*inputs, *self._constants], outputs)
        return tuple(outputs)

    def _compute(self, *arrays):
        """New arrays for all outputs, before any of them is written over an input."""
        graph = self._graph
        numbers = [*(value.number for value in graph.inputs), *(constant.value.number for constant in graph.constants)]
        values = dict(zip(numbers, arrays, strict=True))
        for node in graph.nodes:
            operands = [values[value.number] for value in node.inputs]
            values[node.outputs[0].number] = getattr(np, node.operation.short_name)(*operands)
        return tuple(values[value.number] for value in graph.outputs)
