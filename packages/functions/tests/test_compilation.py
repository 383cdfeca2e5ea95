"""Handing parts of graphs to compilers: claims checked, graphs cut, failures told, the rest run by kernels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dovetail_tensors as dt
from dovetail_functions import cond, function
from dovetail_functions.compilation import discovery
from dovetail_functions.compilation.claims import Offers, Refusals
from dovetail_functions.compilation.cutting import cut
from dovetail_functions.compilation.discovery import FoundCompiler
from dovetail_functions.compilation.ordering import between, dependencies, order_parts
from dovetail_functions.execution.planning import Planner
from dovetail_protocols import operations as ops
from dovetail_protocols.compilers import Claim, CompileOptions
from dovetail_protocols.errors import PluginError, PluginWarning
from dovetail_protocols.graph import Graph
from dovetail_protocols.graph_validation import validate
from dovetail_protocols.kernels import Unsupported
from dovetail_protocols.plugins import use
from dovetail_protocols.plugins.discovery import Plugin

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


def claiming(*names: str, refused: str = "") -> Choose:
    """Claims all nodes of some operations, in one claim."""

    def choose(graph: Graph) -> Sequence[Claim]:
        taken = frozenset(p for p, node in enumerate(graph.nodes) if node.operation.short_name in names)
        others = [p for p in range(len(graph.nodes)) if p not in taken]
        return [Claim(taken, tuple((p, refused) for p in others) if refused else ())]

    return choose


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


X = np.linspace(-1.0, 1.0, 6, dtype=np.float32).reshape(2, 3)


def chain(x: Any) -> Any:
    return ops.sum(ops.exp(ops.tanh(x) * x + 2.0), axis=1)


EXPECTED = np.exp(np.tanh(X) * X + 2.0).sum(axis=1)


def test_a_claimed_part_runs_compiled_and_the_rest_by_kernels(installed: Any) -> None:
    acme = installed(claiming("tanh", "multiply", "add", refused="only elementwise"))
    traced = function(chain)
    for _ in range(2):
        np.testing.assert_allclose(np.asarray(traced(X)), EXPECTED, rtol=1e-6)
    assert (len(acme.compiled), acme.calls) == (1, 2)
    (part,) = acme.compiled
    assert [node.operation.short_name for node in part.nodes] == ["tanh", "multiply", "add"]
    assert (len(part.inputs), len(part.outputs), len(part.constants)) == (1, 1, 1)
    runners = {placement.operation: placement.runner for placement in traced.explain(X).placements}
    assert runners["tanh"] == runners["add"] == "compiler acme"
    assert runners["exp"] == "kernel numpy/exp"
    reasons = [placement.reasons for placement in traced.explain(X).placements if placement.operation == "exp"]
    assert reasons == [("acme: only elementwise",)]


def test_the_whole_of_a_training_step_in_one_claim(installed: Any) -> None:
    acme = installed(lambda graph: [Claim(frozenset(range(len(graph.nodes))))])
    weight = dt.Variable(np.ones(3, np.float32), name="weight")

    @function
    def step(x: Any) -> Any:
        error = x @ weight.read_value()
        weight.assign(weight.read_value() - 0.1 * (error @ x))
        return ops.sum(error * error)

    step(X)
    (graph,) = acme.compiled
    (state,) = graph.states
    assert graph.inputs[state.input].meta.shape == (3,)
    assert state.output is not None
    assert graph.outputs[state.output].meta.shape == (3,)
    expected = np.ones(3, np.float32) - 0.1 * (X @ np.ones(3, np.float32)) @ X
    np.testing.assert_allclose(np.asarray(weight.read_value()), expected, rtol=1e-6)


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
def overwriting(installed: Any) -> OverwritingCompiler:
    made = OverwritingCompiler(lambda graph: [Claim(frozenset(range(len(graph.nodes))))])
    installed.found.append(FoundCompiler("overwriting", made, None))
    return made


def test_a_state_is_updated_in_place_where_nobody_else_holds_its_buffer(overwriting: OverwritingCompiler) -> None:
    weight = dt.Variable(np.zeros(4, np.float32))
    step = function(lambda x: weight.assign(weight.read_value() * 2.0 + x).sum())
    step(dt.constant(1.0))
    place = weight.payload.__array_interface__["data"]
    for _ in range(3):
        step(dt.constant(1.0))
    assert len(overwriting.donated) == 1
    assert weight.payload.__array_interface__["data"] == place
    np.testing.assert_array_equal(np.asarray(weight.read_value()), np.full(4, 15.0))


def test_tensors_read_before_never_change_although_buffers_are_donated(overwriting: OverwritingCompiler) -> None:
    weight = dt.Variable(np.zeros(4, np.float32))
    step = function(lambda x: weight.assign(weight.read_value() + x))
    seen: list[Any] = [weight.read_value()]
    for _ in range(4):
        seen += [step(dt.constant(1.0)), weight.read_value()[1:]]
    firsts = [float(array[0]) for array in seen]
    assert firsts == [0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]


def test_an_error_puts_donated_buffers_back(overwriting: OverwritingCompiler, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = dt.Variable(np.zeros(4, np.float32))
    step = function(lambda x: weight.assign(weight.read_value() + x).sum())
    for _ in range(2):
        step(dt.constant(1.0))
    call = next(iter(step.traces[0]._calls.values()))

    def failing(*buffers: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(call, "program", failing)
    with pytest.raises(KeyboardInterrupt):
        step(dt.constant(1.0))
    np.testing.assert_array_equal(np.asarray(weight.read_value()), np.full(4, 2.0))


def test_old_values_that_are_returned_or_used_elsewhere_are_not_donated(
    overwriting: OverwritingCompiler, installed: Any
) -> None:
    returned, used, plain = (dt.Variable(np.zeros(4, np.float32), name=name) for name in ("returned", "used", "plain"))
    overwriting.choose = claiming("add", "multiply")

    @function
    def step(x: Any) -> Any:
        before = returned.read_value()
        view = ops.reshape(used.read_value(), shape=(2, 2))
        for variable in (returned, used, plain):
            variable.assign(variable.read_value() + x)
        return before, view

    for _ in range(2):
        before, view = step(dt.constant(1.0))
    assert len(overwriting.donated) == 1
    np.testing.assert_array_equal(np.asarray(before), np.ones(4))
    np.testing.assert_array_equal(np.asarray(view), np.ones((2, 2)))


def test_nothing_is_donated_to_a_part_that_others_follow(overwriting: OverwritingCompiler) -> None:
    weight = dt.Variable(np.zeros(4, np.float32))
    overwriting.choose = claiming("add")
    step = function(lambda x: ops.tanh(weight.assign(weight.read_value() + x)))
    step(dt.constant(1.0))
    assert overwriting.donated == frozenset()


def test_several_claims_and_several_compilers(installed: Any) -> None:
    first = installed(lambda graph: [Claim(frozenset({0})), Claim(frozenset({3}))], "first")
    second = installed(claiming("multiply"), "second")
    third = installed(claiming("tanh", "sum"), "third")
    traced = function(chain)
    np.testing.assert_allclose(np.asarray(traced(X)), EXPECTED, rtol=1e-6)
    assert (first.calls, second.calls, third.calls) == (2, 1, 0)
    reasons = [reason for placement in traced.explain(X).placements for reason in placement.reasons]
    assert "third: its claim overlaps another compiler's" in reasons


def test_a_claim_that_is_not_convex_is_refused_with_the_nodes_and_the_cause(installed: Any) -> None:
    installed(claiming("tanh", "exp"))
    traced = function(chain)
    with pytest.warns(PluginWarning, match=r"claim of compiler 'acme' is refused\n.*0 tanh, 3 exp") as caught:
        np.testing.assert_allclose(np.asarray(traced(X)), EXPECTED, rtol=1e-6)
    assert "not convex: 1 multiply, 2 add" in str(caught[0].message)
    with pytest.raises(PluginError, match="refused"):
        function(strict=True)(chain)(X)


@pytest.mark.parametrize(
    ("nodes", "cause"),
    [({99}, "no node 99"), ({-1}, "no node -1"), ({"tanh"}, "no node tanh")],
)
def test_a_claim_of_nodes_that_are_not_there_is_refused(installed: Any, nodes: Any, cause: str) -> None:
    installed(lambda graph: [Claim(frozenset(nodes))])
    with pytest.warns(PluginWarning, match=cause):
        function(chain)(X)


def test_claims_that_overlap_are_refused(installed: Any) -> None:
    acme = installed(lambda graph: [Claim(frozenset({0, 1})), Claim(frozenset({1, 2}))])
    with pytest.warns(PluginWarning, match="claims nodes twice: 1 multiply"):
        function(chain)(X)
    assert [len(graph.nodes) for graph in acme.compiled] == [2]


def test_claims_that_wait_for_one_another_are_refused(installed: Any) -> None:
    def crossed(x: Any) -> Any:
        return ops.exp(ops.tanh(x)), ops.sinh(ops.square(x))  # claimed: tanh with sinh, square with exp

    def choose(graph: Graph) -> Sequence[Claim]:
        at = {node.operation.short_name: place for place, node in enumerate(graph.nodes)}
        return [Claim(frozenset({at["tanh"], at["sinh"]})), Claim(frozenset({at["square"], at["exp"]}))]

    installed(choose)
    with pytest.warns(PluginWarning, match="wait for one another"):
        one, other = function(crossed)(X)
    np.testing.assert_allclose(np.asarray(one), np.exp(np.tanh(X)), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(other), np.sinh(X**2), rtol=1e-6)


def test_a_failing_compiler_leaves_its_nodes_to_kernels_with_a_warning(installed: Any) -> None:
    installed(claiming("tanh"), fail=True)
    traced = function(chain)
    with pytest.warns(PluginWarning, match=r"failed to compile(.|\n)*0 tanh(.|\n)*MemoryError: no registers left"):
        np.testing.assert_allclose(np.asarray(traced(X)), EXPECTED, rtol=1e-6)
    traced(X)  # planned once: no second warning
    with pytest.raises(PluginError, match="failed to compile") as caught:
        function(strict=True)(chain)(X)
    assert isinstance(caught.value.__cause__, MemoryError)


def test_a_compiler_that_fails_to_claim_is_left_out_with_a_warning(installed: Any) -> None:
    installed(lambda graph: 1 / 0)  # type: ignore[arg-type,return-value] # a broken one
    with pytest.warns(PluginWarning, match="failed to claim"):
        np.testing.assert_allclose(np.asarray(function(chain)(X)), EXPECTED, rtol=1e-6)


def test_strict_raises_where_a_node_is_left_to_kernels(installed: Any) -> None:
    installed(claiming("tanh", refused="too hard"))
    with pytest.raises(PluginError, match=r"no compiler takes all(.|\n)*1 multiply(.|\n)*too hard"):
        function(strict=True)(chain)(X)
    everything = installed(lambda graph: [Claim(frozenset(range(len(graph.nodes))))], "everything")
    function(strict=True, compilers=["everything"])(chain)(X)
    assert everything.calls == 1


def test_the_user_chooses_compilers_by_name_and_policy(installed: Any) -> None:
    first, second = installed(claiming("tanh"), "first"), installed(claiming("tanh"), "second")
    function(compilers=["second"])(chain)(X)
    function(compilers=())(chain)(X)
    assert (first.calls, second.calls) == (0, 1)
    traced = function(chain)
    with use("-first"):
        traced(X)
        reasons = [reason for placement in traced.explain(X).placements for reason in placement.reasons]
        assert "first: excluded by the user" in reasons
    assert (first.calls, second.calls) == (0, 2)
    traced(X)  # the policy is another now, so that it is planned anew
    assert (first.calls, second.calls) == (1, 2)
    with pytest.raises(PluginError, match="no compiler 'third' is installed"):
        function(compilers=["third"])(chain)(X)


def test_a_compiler_that_can_not_run_here_is_left_out_and_raises_if_named(installed: Any) -> None:
    installed(claiming("tanh"), unusable="no AVX")
    traced = function(chain)
    traced(X)
    assert traced.explain(X).placements[0].reasons[0] == "acme: no AVX"
    with pytest.raises(PluginError, match=r"can't be used here(.|\n)*no AVX"):
        function(compilers=["acme"])(chain)(X)


def test_composites_are_offered_whole_and_then_decomposed(installed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[list[str]] = []

    def choose(graph: Graph) -> Sequence[Claim]:
        offered.append([node.operation.short_name for node in graph.nodes])
        return []

    installed(choose)
    without_kernel(monkeypatch, ops.softmax)
    traced = function(lambda x: ops.softmax(x))
    expected = np.exp(X) / np.exp(X).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(np.asarray(traced(X)), expected, rtol=1e-6)
    assert offered[0] == ["softmax"]
    assert "exp" in offered[-1]
    assert {placement.origin for placement in traced.explain(X).placements} == {("softmax",)}
    assert "part of softmax" in str(traced.explain(X))


def without_kernel(monkeypatch: pytest.MonkeyPatch, *operations: Any) -> None:
    """Takes the kernels of some operations away for the length of a test."""
    from dovetail_protocols import selection

    found = selection.candidates
    monkeypatch.setattr(
        selection, "candidates", lambda operation, *rest: [] if operation in operations else found(operation, *rest)
    )


def test_the_bodies_of_loops_are_offered_too(installed: Any) -> None:
    acme = installed(claiming("tanh"))
    pick = function(lambda x: cond(ops.sum(x) > 0, lambda: ops.tanh(x), lambda: x))
    np.testing.assert_allclose(np.asarray(pick(np.abs(X))), np.tanh(np.abs(X)), rtol=1e-6)
    assert acme.calls == 1
    (node,) = [placement for placement in pick.explain(X).placements if placement.operation == "cond"]
    assert [[inner.runner for inner in body] for body in node.bodies] == [["compiler acme"], []]


def test_effects_keep_their_order_around_compiled_parts(installed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    installed(claiming("tanh", "exp", "multiply"))

    @function
    def loud(x: Any) -> Any:
        ops.print(format="one")
        first = ops.tanh(x)
        ops.print(format="two")
        second = ops.exp(first) * x
        ops.print(format="three")
        return second

    loud(X)
    assert capsys.readouterr().out == "one\ntwo\nthree\n"


# Discovery


class _Plugin(Plugin):
    """A plug-in that is here already."""

    def __init__(self, name: str, offered: object) -> None:
        super().__init__(name, discovery.GROUP, "acme:COMPILER", "acme-compiler", "1.0", "")
        self._loaded = offered


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def declare(*plugins: Plugin) -> None:
        monkeypatch.setattr(discovery, "find", lambda group: list(plugins))
        monkeypatch.setattr(discovery, "_found", None)

    return declare


def test_sound_compilers_are_found(declared: Any) -> None:
    sound = NumpyCompiler(claiming("tanh"))
    declared(_Plugin("acme", sound))
    assert discovery.compilers() == (FoundCompiler("acme", sound, None),)


def test_what_a_plugin_says_wrong_of_itself_is_told_and_set_aside(declared: Any) -> None:
    future = NumpyCompiler(claiming())
    future.protocol = (9, 0)
    declared(_Plugin("one-without", object()), _Plugin("two-future", future))
    with pytest.warns(PluginWarning) as caught:
        assert discovery.compilers() == ()
    told = [str(warning.message) for warning in caught]
    assert "is no compiler" in told[0]
    assert "lacks protocol, claim, compile, probe" in told[0]
    assert "offers compiler protocol 9; this Dovetail speaks 1" in told[1]


def test_a_probe_that_raises_sets_its_compiler_aside(declared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = NumpyCompiler(claiming())
    monkeypatch.setattr(broken, "probe", lambda: 1 / 0)
    declared(_Plugin("broken-probe", broken))
    with pytest.warns(PluginWarning, match="ZeroDivisionError"):
        assert discovery.compilers() == ()


# The order of parts

EDGES = st.lists(st.sets(st.integers(0, 11)), min_size=1, max_size=12).map(
    lambda rows: [{place for place in row if place < number} for number, row in enumerate(rows)]
)


def reaches(needed: Sequence[Collection[int]], start: int, goal: int) -> bool:
    return start in needed[goal] or any(reaches(needed, start, before) for before in needed[goal])


@given(EDGES, st.sets(st.integers(0, 11)))
def test_between_finds_the_nodes_on_paths_that_leave_a_set(needed: list[set[int]], chosen: set[int]) -> None:
    nodes = {place for place in chosen if place < len(needed)}
    expected = [
        place
        for place in range(len(needed))
        if place not in nodes
        and any(reaches(needed, one, place) for one in nodes)
        and any(reaches(needed, place, other) for other in nodes)
    ]
    assert between(nodes, needed) == expected


@given(EDGES, st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_parts_run_after_what_they_need_or_are_refused(needed: list[set[int]], colors: list[int]) -> None:
    parts = [frozenset(p for p in range(len(needed)) if colors[p] == color) for color in (1, 2, 3)]
    parts = [part for part in parts if part]
    ordered = order_parts(parts, needed)
    if ordered is None:
        group = {place: number for number, part in enumerate(parts) for place in part}
        assert any(  # some part waits for itself, directly or through others
            reaches_group(needed, group, number, number) for number in range(len(parts))
        )
        return
    position = {place: step for step, places in enumerate(ordered) for place in places}
    assert sorted(position) == list(range(len(needed)))
    for place, before in enumerate(needed):
        for one in before:
            assert position[one] < position[place] or (position[one] == position[place] and one < place)
    for part in parts:
        assert len({position[place] for place in part}) == 1


def reaches_group(needed: Sequence[Collection[int]], group: dict[int, int], start: int, goal: int) -> bool:
    """Whether a part depends on another through at least one step outside of it, where parts move as one."""
    pending = [(place, False) for place in range(len(needed)) if group.get(place) == goal]
    seen = set(pending)
    while pending:
        place, left = pending.pop()
        for before in needed[place]:
            outside = left or group.get(before) != goal
            if outside and group.get(before) == start:
                return True
            same = [p for p in range(len(needed)) if group.get(before) is not None and group.get(p) == group[before]]
            for step in {(before, outside), *((p, outside) for p in same)}:
                if step not in seen:
                    seen.add(step)
                    pending.append(step)
    return False


def test_a_cut_graph_has_what_crosses_its_border() -> None:
    graph = function(chain).graph(X)
    part = cut(graph, [1, 2], "part")
    validate(part)
    assert [value.number for value in part.inputs] == [graph.nodes[0].outputs[0].number, graph.inputs[0].number]
    assert part.outputs == graph.nodes[2].outputs
    assert dependencies(graph) == [set(), {0}, {1}, {2}, {3}]
    assert Offers(graph, Refusals(strict=True)).taken == frozenset()
