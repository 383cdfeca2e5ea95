"""Compilers with one fault each, and honest ones. All run NumPy's functions node by node.

Their suites try two operations and ten graphs; the kit is imported where a suite is made, as for kernels.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from unittest import mock

import numpy as np

from dovetail_protocols.compilers import Claim, CompileOptions
from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.kernels import Unsupported

from . import Mutant

OPERATIONS = ("tanh", "logaddexp")
GRAPHS = (
    *("chain", "diamond", "fan-out", "dense", "chain-empty", "around-a-sort", "around-two-sorts"),
    *("updated", "updated-through-product", "chosen"),
)
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in ("add", "subtract", "multiply", "tanh", "exp", "negative", "square", "logaddexp")
    },
    "matmul": np.matmul,
    "sum": lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype),
}

Values = dict[int, Any]


class Honest:
    """Claims each run of nodes that it knows, which is convex because nodes are in order."""

    protocol = (1, 1)
    functions = FUNCTIONS

    def probe(self) -> Unsupported | None:
        return None

    def claim(self, graph: Graph) -> Sequence[Claim]:
        runs: list[set[int]] = [set()]
        refused = []
        for place, node in enumerate(graph.nodes):
            if self.takes(node):
                runs[-1].add(place)
            else:
                refused.append((place, self.reason(node)))
                runs.append(set())
        first, *others = [frozenset(run) for run in runs if run] or [frozenset[int]()]
        return [Claim(first, tuple(refused)), *map(Claim, others)]

    def takes(self, node: Node) -> bool:
        return node.operation.short_name in self.functions and all(
            value is not None and value.meta.dtype.name in ("float32", "float64") for value in node.inputs
        )

    def reason(self, node: Node) -> str:
        return f"takes arithmetic with floating numbers, not {node.operation.short_name}"

    def compile(self, graph: Graph, options: CompileOptions) -> Any:
        return lambda *inputs: self.outputs(graph, self.run(graph, options, inputs))

    def run(self, graph: Graph, options: CompileOptions, inputs: Sequence[Any]) -> Values:
        values = {value.number: array for value, array in zip(graph.inputs, inputs, strict=True)}
        values |= {constant.value.number: constant.array.payload for constant in graph.constants}
        for node in graph.nodes:
            function = self.functions[node.operation.short_name]
            operands = [values[value.number] for value in node.inputs if value is not None]
            values[node.outputs[0].number] = np.asarray(self.apply(function, node, operands))
            self.after(graph, options, values, node)
        return values

    def apply(self, function: Callable[..., Any], node: Node, operands: list[Any]) -> Any:
        return function(*operands, **node.attributes)

    def after(self, graph: Graph, options: CompileOptions, values: Values, node: Node) -> None:
        """Called after each node."""

    def outputs(self, graph: Graph, values: Values) -> Any:
        return tuple(values[value.number] for value in graph.outputs)


class Donating(Honest):
    """Writes a variable's new value into its donated buffer, when nobody reads the old one any more."""

    def run(self, graph: Graph, options: CompileOptions, inputs: Sequence[Any]) -> Values:
        values = super().run(graph, options, inputs)
        for state in graph.states:
            if state.input in options.donated_inputs and state.output is not None:
                number = graph.outputs[state.output].number
                inputs[state.input][...] = values[number]
                values[number] = inputs[state.input]
        return values


class Choosy(Honest):
    functions: ClassVar = {"tanh": np.tanh}


# ---------------------------------------------------------------------- load and honesty


class Idle(Honest):
    functions: ClassVar = {}


class Greedy(Honest):
    def claim(self, graph: Graph) -> Sequence[Claim]:
        return [Claim(frozenset(place for place, node in enumerate(graph.nodes) if self.takes(node)))]


class Overlapping(Honest):
    def claim(self, graph: Graph) -> Sequence[Claim]:
        claims = super().claim(graph)
        return [*claims, Claim(frozenset(sorted(claims[0].nodes)[:1]))]


class Inventing(Honest):
    def claim(self, graph: Graph) -> Sequence[Claim]:
        return [*super().claim(graph), Claim(frozenset([len(graph.nodes)]))]


class Circular(Honest):
    def claim(self, graph: Graph) -> Sequence[Claim]:
        if graph.name == "around-two-sorts":
            return [Claim(frozenset([0, 5])), Claim(frozenset([1, 3]))]
        return super().claim(graph)


class Silent(Honest):
    def reason(self, node: Node) -> str:
        return " "


class Hasty(Honest):
    def claim(self, graph: Graph) -> Sequence[Claim]:
        self.compile(graph, CompileOptions())
        return super().claim(graph)


class Scribbling(Honest):
    def claim(self, graph: Graph) -> Sequence[Claim]:
        with open(os.devnull, "w") as file:
            file.write(graph.name)
        return super().claim(graph)


class Fickle(Honest):
    """Claims a graph the first time only."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def claim(self, graph: Graph) -> Sequence[Claim]:
        claims = [] if graph.name in self.seen else super().claim(graph)
        if len(graph.nodes) > 1:
            self.seen.add(graph.name)
        return claims


class Failing(Honest):
    def compile(self, graph: Graph, options: CompileOptions) -> Any:
        raise RuntimeError("the assembler is out of ink")


# ---------------------------------------------------------------------- numbers


class Inaccurate(Honest):
    functions = FUNCTIONS | {"tanh": lambda x: np.tanh(x) * x.dtype.type(1.001)}


class Misfusing(Honest):
    """Computes a product with a bias as a product where it takes both at once."""

    def run(self, graph: Graph, options: CompileOptions, inputs: Sequence[Any]) -> Values:
        self.products = {node.outputs[0] for node in graph.nodes if node.operation.short_name == "matmul"}
        return super().run(graph, options, inputs)

    def apply(self, function: Callable[..., Any], node: Node, operands: list[Any]) -> Any:
        return operands[0] if node.inputs[0] in self.products else super().apply(function, node, operands)


class Reversing(Honest):
    def outputs(self, graph: Graph, values: Values) -> Any:
        return super().outputs(graph, values)[::-1]


class Forgetful(Honest):
    """Gives a variable's value from before."""

    def outputs(self, graph: Graph, values: Values) -> Any:
        before = {graph.outputs[s.output]: graph.inputs[s.input] for s in graph.states if s.output is not None}
        return tuple(values[before.get(value, value).number] for value in graph.outputs)


class Listing(Honest):
    def outputs(self, graph: Graph, values: Values) -> Any:
        return list(super().outputs(graph, values))


class Oblong(Honest):
    functions = FUNCTIONS | {"exp": lambda x: np.exp(x)[None]}


# ---------------------------------------------------------------------- contract


class InPlace(Honest):
    functions = FUNCTIONS | {"tanh": lambda x: np.tanh(x, out=x if x.flags.writeable else None)}


class Jittering(Honest):
    def outputs(self, graph: Graph, values: Values) -> Any:
        outputs = super().outputs(graph, values)
        return tuple(
            np.where(np.random.default_rng().random(x.shape) < 0.5, x, np.nextafter(x, x + 1)) for x in outputs
        )


class Scratching(Honest):
    """Computes into memory that all calls of an executable share."""

    def compile(self, graph: Graph, options: CompileOptions) -> Any:
        kept = [np.zeros(value.meta.shape, value.meta.dtype.name) for value in graph.outputs]

        def run(*inputs: Any) -> Any:
            for memory, output in zip(kept, self.outputs(graph, self.run(graph, options, inputs)), strict=True):
                memory[...] = output
            time.sleep(0.001)
            return tuple(memory.copy() for memory in kept)

        return run


class Recycling(Honest):
    """Gives the same buffers at each call."""

    def compile(self, graph: Graph, options: CompileOptions) -> Any:
        kept = [np.zeros(value.meta.shape, value.meta.dtype.name) for value in graph.outputs]

        def run(*inputs: Any) -> Any:
            for memory, output in zip(kept, self.outputs(graph, self.run(graph, options, inputs)), strict=True):
                memory[...] = output
            return tuple(kept)

        return run


class Impatient(Honest):
    """Overwrites a donated buffer as soon as it can, whoever still reads it."""

    def after(self, graph: Graph, options: CompileOptions, values: Values, node: Node) -> None:
        for state in graph.states:
            new = None if state.output is None else graph.outputs[state.output]
            if state.input in options.donated_inputs and new == node.outputs[0]:
                values[graph.inputs[state.input].number][...] = values[node.outputs[0].number]


class Spilling(Honest):
    """Takes every input for donated where one is."""

    def run(self, graph: Graph, options: CompileOptions, inputs: Sequence[Any]) -> Values:
        values = super().run(graph, options, inputs)
        if options.donated_inputs:
            inputs[0][...] = 0
        return values


# ---------------------------------------------------------------------- gradients


class Onesided(Honest):
    """Sums over several axes, as gradients of what was broadcast are, as if over one."""

    def apply(self, function: Callable[..., Any], node: Node, operands: list[Any]) -> Any:
        given = super().apply(function, node, operands)
        return given * 0 if isinstance(node.attributes.get("axis"), tuple) else given


for kind in (Honest, *Honest.__subclasses__()):
    globals()[kind.__name__.upper()] = kind()  # entry points name objects

PRINTING = f"print('hello')\nfrom {__name__} import Honest\n\nPACKAGE = Honest()\n"
DYING = "import os, sys\nif sys.argv[0] == '-c':\n    os.abort()\n" + PRINTING.partition("\n")[2]


def suite_of(name: str, **options: Any) -> type:
    """The suite of a compiler, on few operations and graphs."""
    from dovetail_conformance import compiler_suite as make
    from dovetail_conformance import single_nodes
    from dovetail_conformance.case_bank import graphs
    from dovetail_protocols.registry import find_operation

    known = [find_operation(f"dovetail::{operation}") for operation in OPERATIONS]
    bank = tuple(replace(case, dtypes=("float64",)) for case in graphs.GRAPHS if case.name in GRAPHS)
    with (
        mock.patch.object(single_nodes, "all_operations", return_value=known),
        mock.patch.dict(make.__globals__, {"GRAPHS": bank}),
    ):
        return make(name, **options)


def mutant(compiler: type[Honest], what: str, *caught_by: str, name: str = "", source: str = "", **more: Any) -> Mutant:
    """A compiler of this module, or the module of the given source."""
    name = name or compiler.__name__.lower()
    return Mutant(
        name=name,
        what=what,
        caught_by=frozenset(caught_by),
        suite=lambda: suite_of(name),
        entry_points={"dovetail.compilers.v1": f"{name}:PACKAGE" if source else f"{__name__}:{name.upper()}"},
        files={f"{name}.py": source} if source else {},
        **more,
    )


MUTANTS = (
    mutant(Honest, "claims runs of arithmetic"),
    mutant(Donating, "writes into donated buffers"),
    mutant(Choosy, "claims one operation only"),
    mutant(Honest, "its module prints", "l0_loads", name="prints_at_import", source=PRINTING),
    mutant(Honest, "its module ends a fresh process", "l0_loads", name="dies_at_import", source=DYING),
    mutant(Idle, "claims nothing", "l0_something_is_claimed", nothing_else=True),
    mutant(Greedy, "claims sets of nodes that are not convex", "l1_claims"),
    mutant(Overlapping, "claims nodes twice", "l1_claims"),
    mutant(Inventing, "claims a node that the graph doesn't have", "l1_claims"),
    mutant(Circular, "claims sets of nodes that wait for one another", "l1_claims"),
    mutant(Silent, "refuses without a reason", "l1_claims", "l1_honesty", nothing_else=True),
    mutant(Hasty, "compiles while claiming", "l1_claims", nothing_else=True),
    mutant(Scribbling, "writes a file while claiming", "l1_claims", nothing_else=True),
    mutant(Fickle, "claims other nodes when it is asked again", "l1_claims"),
    mutant(Failing, "claims what it fails to compile", "l1_honesty", "l5_graphs"),
    mutant(Inaccurate, "is off by a thousandth", "l2_numbers", "l5_graphs"),
    mutant(Misfusing, "forgets the bias of a product", "l5_graphs"),
    mutant(Reversing, "gives outputs in the opposite order", "l5_graphs"),
    mutant(Forgetful, "ignores a State: gives the value from before", "l5_graphs"),
    mutant(Listing, "gives outputs as a list", "l5_graphs"),
    mutant(Oblong, "gives an output of another shape", "l5_graphs"),
    mutant(InPlace, "writes an input", "l3_contract", "l3_graphs"),
    mutant(Jittering, "changes last bits by chance", "l3_contract", "l3_graphs"),
    mutant(Scratching, "computes in memory that calls share", "l3_contract", "l3_graphs"),
    mutant(Recycling, "gives the same buffers at each call", "l3_graphs"),
    mutant(Impatient, "overwrites a donated buffer that is still read", "l3_graphs", nothing_else=True),
    mutant(Spilling, "overwrites an input that is not donated", "l3_graphs", nothing_else=True),
    mutant(Onesided, "sums over several axes wrongly, as gradients of what was broadcast do", "l4_gradients"),
)
