"""A graph compiled to one program."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import Any

from dovetail_protocols.compilers import Executable, KernelReport
from dovetail_protocols.graph import Graph

from .lowering import host_array, run_graph
from .placement import compiled, put

LITERAL_BYTES = 1024
"""Constants up to this size are part of the program, where XLA can compute with them; larger ones are passed to it."""


def executable(graph: Graph, donated: Collection[int]) -> Executable:
    """The graph as one program, which may write into its donated inputs."""
    index = next(value.meta.device.index for node in graph.nodes for value in node.outputs)
    passed = [constant for constant in graph.constants if constant.value.meta.size_bytes > LITERAL_BYTES]
    numbers = [constant.value.number for constant in passed]
    count = len(graph.inputs)
    written = _outputs_by_donated_input(graph, donated)
    order = [*written.values(), *(place for place in range(len(graph.outputs)) if place not in written.values())]

    def function(*operands: Any) -> tuple[Any, ...]:
        results = run_graph(graph, operands[:count], dict(zip(numbers, operands[count:], strict=True)))
        return tuple(results[place] for place in order)

    metas = [*(value.meta for value in graph.inputs), *(constant.value.meta for constant in passed)]
    program = compiled(function, metas, index, written)
    constants = tuple(put(host_array(constant.array), index) for constant in passed)
    return Program(graph, program, constants, _back_in_order(order))


def _outputs_by_donated_input(graph: Graph, donated: Collection[int]) -> dict[int, int]:
    """For the donated inputs, in order, the output that is written into each.

    JAX pairs the two itself: each output, in order, with the first donated input of its shape and dtype that is left.
    So these outputs come first, in the order of their inputs. In another order a variable would be written into the
    buffer of another one, which XLA copies before.
    """
    pairs = {state.input: state.output for state in graph.states if state.output is not None}
    found: dict[int, int] = {}
    for place in sorted(donated):
        output = pairs.get(place)
        if output is not None and output not in found.values():
            found[place] = output
    return found


def _back_in_order(order: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """What puts a program's results, which come in `order`, in the graph's order."""
    if list(order) == list(range(len(order))):
        return tuple
    return itemgetter(*(order.index(place) for place in range(len(order))))


class Program:
    """An executable that also says what XLA counts of its work."""

    __slots__ = ("_constants", "_graph", "_in_order", "_program")

    def __init__(
        self, graph: Graph, program: Any, constants: tuple[Any, ...], in_order: Callable[[Any], tuple[Any, ...]]
    ) -> None:
        self._graph, self._program, self._constants, self._in_order = graph, program, constants, in_order

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        return self._in_order(self._program(*inputs, *self._constants))

    def kernel_report(self) -> Sequence[KernelReport]:
        """One report for the whole program: XLA tells nothing of its single kernels."""
        costs = self._program.cost_analysis() or {}
        names = sorted({node.operation.short_name for node in self._graph.nodes})
        what = ", ".join(names)
        return (KernelReport(what=what, flops=costs.get("flops", 0.0), bytes=costs.get("bytes accessed", 0.0)),)
