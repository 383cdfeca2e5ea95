"""A compiler that takes runs of elementwise operations and writes one Python function for each."""

import os
from collections.abc import Sequence

from dovetail_protocols.compilers import Claim, CompileOptions, Executable
from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.kernels import Unsupported

EXPRESSIONS = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "tanh": "np.tanh({})",
    "exp": "np.exp({})",
}

COMPILED: list[Graph] = []
"""What it compiled in this process, for the tests that look."""


class FusionCompiler:
    """Claims neighbors in the graph's order that are elementwise: such a run is convex."""

    protocol = (1, 0)

    def probe(self) -> Unsupported | None:
        return Unsupported("told so by ACME_MODE") if os.environ.get("ACME_MODE") == "absent" else None

    def claim(self, graph: Graph) -> Sequence[Claim]:
        reasons = {place: _refusal(node) for place, node in enumerate(graph.nodes)}
        refused = tuple((place, reason) for place, reason in reasons.items() if reason is not None)
        taken = [place for place, reason in reasons.items() if reason is None]
        if os.environ.get("ACME_MODE") == "greedy":
            return [Claim(frozenset(taken), refused)]
        runs: list[list[int]] = []
        for place in taken:
            if runs and runs[-1][-1] == place - 1:
                runs[-1].append(place)
            else:
                runs.append([place])
        return [Claim(frozenset(run), refused if not number else ()) for number, run in enumerate(runs)]

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        if os.environ.get("ACME_MODE") == "failing":
            raise RuntimeError("the assembler is out of ink")
        import numpy as np  # only when something is compiled

        lines = [f"def fused({', '.join(f'v{value.number}' for value in graph.inputs)}):"]
        for node in graph.nodes:
            operands = (f"v{value.number}" for value in node.inputs if value is not None)
            expression = EXPRESSIONS[node.operation.short_name].format(*operands)
            lines.append(f"    v{node.outputs[0].number} = {expression}")
        lines.append(f"    return ({', '.join(f'v{value.number}' for value in graph.outputs)},)")
        names = {f"v{constant.value.number}": constant.array.payload for constant in graph.constants} | {"np": np}
        exec("\n".join(lines), names)
        COMPILED.append(graph)
        return names["fused"]


def _refusal(node: Node) -> str | None:
    if node.operation.short_name not in EXPRESSIONS:
        return f"{node.operation.short_name} is not elementwise arithmetic"
    if any(value is not None and value.meta.dtype.name != "float32" for value in node.inputs):
        return "only float32"
    return None


COMPILER = FusionCompiler()
