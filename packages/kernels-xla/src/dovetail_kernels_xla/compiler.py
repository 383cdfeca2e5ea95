"""What the entry point `xla` names among compilers. It loads no JAX: claiming and compiling do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dovetail_protocols.compilers import Claim, CompileOptions
from dovetail_protocols.kernels import Unsupported

from .device import KIND
from .package import missing_jax

if TYPE_CHECKING:
    from dovetail_protocols.compilers import Executable
    from dovetail_protocols.graph import Graph


class XlaCompiler:
    """Compiles what is on the device `xla` to one program for each part."""

    protocol = (1, 1)

    def claim(self, graph: Graph) -> Sequence[Claim]:
        if not any(value.meta.device.kind == KIND for value in graph.values()):
            return ()  # a process that uses no device of JAX's doesn't load it
        from .claiming import claims

        return claims(graph)

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        from .executable import executable

        return executable(graph, options.donated_inputs)

    def probe(self) -> Unsupported | None:
        return missing_jax()


COMPILER = XlaCompiler()
