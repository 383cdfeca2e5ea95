"""A graph compiled to one program."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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

    def function(*operands: Any) -> tuple[Any, ...]:
        return run_graph(graph, operands[:count], dict(zip(numbers, operands[count:], strict=True)))

    metas = [*(value.meta for value in graph.inputs), *(constant.value.meta for constant in passed)]
    program = compiled(function, metas, index, donated)
    return Program(program, tuple(put(host_array(constant.array), index) for constant in passed), graph)


class Program:
    """An executable that also says what XLA counts of its work."""

    __slots__ = ("_constants", "_graph", "_program")

    def __init__(self, program: Any, constants: tuple[Any, ...], graph: Graph) -> None:
        self._program, self._constants, self._graph = program, constants, graph

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        results: tuple[Any, ...] = self._program(*inputs, *self._constants)
        return results

    def kernel_report(self) -> Sequence[KernelReport]:
        """One report for the whole program: XLA tells nothing of its single kernels."""
        costs = self._program.cost_analysis() or {}
        names = sorted({node.operation.short_name for node in self._graph.nodes})
        return (
            KernelReport(what=", ".join(names), flops=costs.get("flops", 0.0), bytes=costs.get("bytes accessed", 0.0)),
        )
