"""What a whole-graph compiler offers, in the entry-point group `dovetail.compilers.v1`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .records import record

if TYPE_CHECKING:
    from .graph import Graph
    from .kernels import Unsupported
    from .roles import Buffer


@runtime_checkable
class Executable(Protocol):
    """A compiled graph. Safe to call from several threads at once, unless its compile options donate inputs."""

    def __call__(self, *inputs: Buffer) -> tuple[Buffer, ...]:
        """Outputs in the graph's order. An input listed in CompileOptions.donated_inputs may be overwritten and
        returned as the output that its State names; other inputs are never written."""


@runtime_checkable
class SupportsKernelReport(Protocol):
    """Optional for an Executable: says what it runs, for `explain`."""

    def kernel_report(self) -> Sequence[KernelReport]:
        """Its native kernels, in the order in which they run. May measure the machine, so it can take a moment."""


@runtime_checkable
class Compiler(Protocol):
    """Takes parts of a graph and runs each as one call."""

    protocol: tuple[int, int]

    def claim(self, graph: Graph) -> Sequence[Claim]:
        """The parts it would compile: disjoint convex sets of nodes. Looks only, never compiles."""

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        """Compiles a graph made of one claim's nodes, its inputs and outputs those that cross its border."""

    def probe(self) -> Unsupported | None:
        """None where it can run on this machine."""


@runtime_checkable
class SupportsThreads(Protocol):
    """Optional for a Compiler: it runs kernels on several threads. Results don't depend on how many."""

    def thread_count(self) -> int:
        """How many it uses."""

    def set_thread_count(self, count: int | None) -> None:
        """How many it may use from the next call on, in the whole process; None: what it would without this."""


@runtime_checkable
class SupportsProfile(Protocol):
    """Optional for a Compiler: it can record when its kernels run."""

    def record_kernels(self) -> AbstractContextManager[list[KernelRun]]:
        """Records what its executables run, on all threads, until the context ends; then the list is filled."""


PROTOCOL = (1, 1)
"""The version of the compiler protocol that this package speaks."""


@record
class KernelReport:
    """One native kernel of an executable.

    `what` it computes, for readers: the operations that were fused into it. `tasks`: how many independent parts its
    work has; `runs`: how often it runs in a call. `flops` and `bytes`: the arithmetic and the memory traffic of one
    run, at least; `seconds`: what that is predicted to take on this machine.
    """

    what: str
    tasks: int = 1
    runs: int = 1
    flops: float = 0.0
    bytes: float = 0.0
    seconds: float = 0.0


@record
class KernelRun:
    """A kernel, or `tasks` of its parts in a row, as it ran on a thread: number 0 is the one that called. `start` and
    `end` are nanoseconds of the monotonic clock; `flops` and `bytes` what these tasks computed and moved."""

    what: str
    thread: int
    start: int
    end: int
    tasks: int
    flops: float
    bytes: float


@record
class Claim:
    """A set of nodes, by position in `graph.nodes`, that a compiler takes; convex: no path between two of them leaves
    the set. `refused` gives reasons for nodes it looked at and left, for `explain`."""

    nodes: frozenset[int]
    refused: tuple[tuple[int, str], ...] = ()


@record
class CompileOptions:
    """`donated_inputs`: numbers of the inputs whose buffers nobody else reads, so that they may be overwritten.
    `strict`: raise rather than leave nodes to others. `thread_count`: 0 lets the compiler decide."""

    donated_inputs: frozenset[int] = frozenset()
    strict: bool = False
    thread_count: int = 0
