"""A graph of the bank as a compiler meets it: traced, offered, cut into the parts that are claimed, and compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dovetail_protocols import arrays
from dovetail_protocols.compilers import CompileOptions, Compiler
from dovetail_protocols.dispatch import apply, interpreting
from dovetail_protocols.dtypes import dtype
from dovetail_protocols.graph import Constant, Graph, State
from dovetail_protocols.graph_parts import cut
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.plugins.policy import use
from dovetail_protocols.tracing import trace

from .case_bank.graphs import GraphCase
from .cases import Buffer
from .numpy_dtypes import dovetail_dtype, numpy_dtype

REFERENCE = "numpy"


@dataclass(frozen=True, slots=True)
class GraphTrial:
    """A graph of the bank in one dtype, on a device."""

    case: GraphCase
    dtype: str
    device: str = "cpu"

    def __str__(self) -> str:
        return f"{self.case.name}-{self.dtype}"


@dataclass(frozen=True, slots=True)
class TracedGraph:
    """A graph, and every value that it has when kernels run it node by node, by the value's number."""

    graph: Graph
    values: dict[int, Buffer]


@dataclass(frozen=True, slots=True)
class Part:
    """What a compiler claimed of a graph, cut out and compiled: its inputs, and the right outputs."""

    graph: Graph
    compiled: Callable[[frozenset[int]], Any]
    inputs: tuple[Buffer, ...]
    expected: tuple[Buffer, ...]

    def __str__(self) -> str:
        return ", ".join(node.operation.short_name for node in self.graph.nodes)


def operands_of(trial: GraphTrial) -> list[Buffer]:
    """The values of the graph's operands, then of its variables."""
    recipes = (*trial.case.operands, *trial.case.variables)
    return [recipe.make(numpy_dtype(recipe.dtype or trial.dtype), place) for place, recipe in enumerate(recipes)]


def traced(trial: GraphTrial, function: Callable[..., Sequence[Any]] | None = None) -> TracedGraph:
    """The trial's graph, or that of another function of the same operands, on its device; and its values on the CPU."""
    graph = _trace(trial, function or trial.case.function, trial.device)
    reference = graph if trial.device == "cpu" else _trace(trial, function or trial.case.function, "cpu")
    return TracedGraph(graph, node_by_node(reference, operands_of(trial)))


def _trace(trial: GraphTrial, function: Callable[..., Sequence[Any]], device: str) -> Graph:
    """The function's graph as it is handed to compilers: what it captured is constant."""
    values, count = operands_of(trial), len(trial.case.operands)
    variables = [
        arrays.provider().variable(arrays.provider().convert(value, None, Device(device)), name=f"variable{place}")
        for place, value in enumerate(values[count:])
    ]
    metas = [TensorMeta(value.shape, dovetail_dtype(value.dtype), Device(device)) for value in values[:count]]
    found = trace(lambda *operands: function(*operands, *variables), metas, name=trial.case.name)
    used = {id(variable): place for place, variable in enumerate(variables)}
    # Variables stand in the graph in the order of their use; the trial's are in that of the case.
    assert [used[id(variable)] for variable in found.variables] == list(range(len(variables))), trial.case.name
    given, behind = found.graph.inputs, count + len(found.captures)
    constants = tuple(map(Constant, given[count:behind], found.captures))
    states = tuple(State(state.name, state.input - len(constants), state.output) for state in found.graph.states)
    inputs = (*given[:count], *given[behind:])
    return Graph(found.graph.name, inputs, found.graph.nodes, found.graph.outputs, constants, states)


def node_by_node(graph: Graph, inputs: Iterable[Buffer]) -> dict[int, Buffer]:
    """Every value of a graph on the CPU, each node run by the reference kernels, or decomposed into what they run."""
    environment = {value.number: _wrapped(array) for value, array in zip(graph.inputs, inputs, strict=True)}
    environment |= {constant.value.number: constant.array for constant in graph.constants}
    with use(REFERENCE, only=True), interpreting(None), np.errstate(all="ignore"):
        for node in graph.nodes:
            operands = tuple(None if value is None else environment[value.number] for value in node.inputs)
            given = apply(node.operation, operands, node.attributes)
            results = given if isinstance(given, tuple) else (given,)
            environment.update(zip((value.number for value in node.outputs), results, strict=True))
    return {number: np.asarray(array.payload) for number, array in environment.items()}


def _wrapped(array: Buffer) -> Any:
    return arrays.provider().wrap(array, TensorMeta(array.shape, dtype(array.dtype.name)))


def parts_of(compiler: Compiler, found: TracedGraph) -> list[Part]:
    """What a compiler claims of a graph, compiled at first need."""
    parts = []
    for number, claim in enumerate(compiler.claim(found.graph)):
        if not claim.nodes:
            continue
        graph = cut(found.graph, claim.nodes, f"{found.graph.name}_{number}")
        inputs = tuple(found.values[value.number] for value in graph.inputs)
        expected = tuple(found.values[value.number] for value in graph.outputs)
        parts.append(Part(graph, _compiling(compiler, graph), inputs, expected))
    return parts


def _compiling(compiler: Compiler, graph: Graph) -> Callable[[frozenset[int]], Any]:
    return lambda donated: compiler.compile(graph, CompileOptions(donated_inputs=donated, strict=True))
