"""What the entry point names: the compiler."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dovetail_protocols.compilers import Claim, CompileOptions
from dovetail_protocols.kernels import Unsupported

if TYPE_CHECKING:
    from dovetail_protocols.compilers import Executable
    from dovetail_protocols.graph import Graph


class LlvmCompiler:
    """Compiles what it has code for, as few and as large parts as there can be, to one native call each."""

    protocol = (1, 0)

    def claim(self, graph: Graph) -> Sequence[Claim]:
        from .claiming import claims

        return claims(graph)

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        from .planning.plan import plan
        from .runtime.executable import Executable

        return Executable(plan(graph, options.donated_inputs))

    def probe(self) -> Unsupported | None:
        if os.name != "posix":
            return Unsupported("it runs on Linux and macOS")
        return None


COMPILER = LlvmCompiler()
