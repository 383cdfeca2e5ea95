"""What the tests of several modules use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dovetail_functions import Function, function
from dovetail_functions.compilation import discovery
from dovetail_functions.compilation.discovery import FoundCompiler
from dovetail_functions.execution.planning import Planner
from dovetail_protocols.compilers import Claim, CompileOptions
from dovetail_protocols.graph import Graph
from dovetail_protocols.graph_validation import validate
from dovetail_protocols.kernels import Unsupported

Counting = Callable[..., tuple[Function, list[Any]]]


@pytest.fixture(autouse=True)
def no_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed beside this package, a test meets the compilers that it installs, and no others."""
    monkeypatch.setattr(discovery, "find", lambda group: [])
    monkeypatch.setattr(discovery, "_looked_at", {})


@pytest.fixture
def counting() -> Counting:
    """Makes a function, and the list that gets an entry at each of its traces."""

    def make(body: Callable[..., Any], **options: Any) -> tuple[Function, list[Any]]:
        traces: list[Any] = []

        def traced(*args: Any, **kwargs: Any) -> Any:
            traces.append(1)
            return body(*args, **kwargs)

        return function(**options)(traced), traces

    return make


Choose = Callable[[Graph], Sequence[Claim]]


class NumpyCompiler:
    """A compiler for tests: runs what it claims by kernels of its own; `compiled` has every graph that it was given."""

    protocol = (1, 0)

    def __init__(self, choose: Choose, fail: bool = False) -> None:
        self.choose, self.fail = choose, fail
        self.compiled: list[Graph] = []
        self.calls = 0

    def probe(self) -> Unsupported | None:
        return None

    def claim(self, graph: Graph) -> Sequence[Claim]:
        return self.choose(graph)

    def compile(self, graph: Graph, options: CompileOptions) -> Any:
        validate(graph)
        self.compiled.append(graph)
        if self.fail:
            raise MemoryError("no registers left")
        program = Planner(()).plan(graph).program

        def run(*buffers: Any) -> Any:
            self.calls += 1
            return program(*buffers)

        return run


class OverwritingCompiler(NumpyCompiler):
    """Runs what it claims, and writes new values of donated states into the buffers they came in."""

    def compile(self, graph: Graph, options: CompileOptions) -> Any:
        self.donated = options.donated_inputs
        run = super().compile(graph, options)
        states = {state.input: state.output for state in graph.states if state.input in options.donated_inputs}

        def overwriting(*buffers: Any) -> Any:
            outputs = list(run(*buffers))
            for place, result in states.items():
                assert result is not None
                buffers[place][...] = outputs[result]
                outputs[result] = buffers[place]
            return tuple(outputs)

        return overwriting


@pytest.fixture
def claiming() -> Callable[..., Choose]:
    """Makes what claims all nodes of some operations, in one claim."""

    def make(*names: str, refused: str = "") -> Choose:
        def choose(graph: Graph) -> Sequence[Claim]:
            taken = frozenset(p for p, node in enumerate(graph.nodes) if node.operation.short_name in names)
            others = [p for p in range(len(graph.nodes)) if p not in taken]
            return [Claim(taken, tuple((p, refused) for p in others) if refused else ())]

        return choose

    return make


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., NumpyCompiler]:
    """Installs compilers for the length of a test."""
    found: list[FoundCompiler] = []
    monkeypatch.setattr(discovery, "compilers", lambda: tuple(found))

    def install(
        choose: Choose, name: str = "acme", *, fail: bool = False, unusable: str | None = None
    ) -> NumpyCompiler:
        made = NumpyCompiler(choose, fail)
        found.append(FoundCompiler(name, made, unusable))
        return made

    install.found = found  # type: ignore[attr-defined] # for compilers of other classes
    return install


@pytest.fixture
def overwriting(installed: Any) -> OverwritingCompiler:
    made = OverwritingCompiler(lambda graph: [Claim(frozenset(range(len(graph.nodes))))])
    installed.found.append(FoundCompiler("overwriting", made, None))
    return made
