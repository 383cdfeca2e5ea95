"""What the entry point names: the compiler."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dovetail_protocols.compilers import Claim, CompileOptions, KernelRun
from dovetail_protocols.kernels import Unsupported

if TYPE_CHECKING:
    from dovetail_protocols.compilers import Executable
    from dovetail_protocols.graph import Graph

    from .runtime.profiling import Recording


class LlvmCompiler:
    """Compiles what it has code for, in as few and as large parts as there can be, to one native call each."""

    protocol = (1, 1)

    def claim(self, graph: Graph) -> Sequence[Claim]:
        from .claiming import claims

        return claims(graph)

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        from .planning.plan import plan
        from .runtime.executable import Executable

        return Executable(plan(graph, options.donated_inputs))

    def probe(self) -> Unsupported | None:
        return None if os.name == "posix" else Unsupported("it runs on Linux and macOS")

    def thread_count(self) -> int:
        from .runtime.threads import thread_count

        return thread_count()

    def set_thread_count(self, count: int | None) -> None:
        from .runtime.threads import set_thread_count

        set_thread_count(count)

    @contextmanager
    def record_kernels(self) -> Iterator[list[KernelRun]]:
        from .runtime.profiling import record

        runs: list[KernelRun] = []
        recording: Recording | None = None
        try:
            with record() as recording:
                yield runs
        finally:
            runs += recording.runs if recording is not None else ()


COMPILER = LlvmCompiler()
