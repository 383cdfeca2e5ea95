"""Handing parts of graphs to compilers: claims checked, graphs cut, failures told, the rest run by kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_functions import cond, function
from dovetail_protocols import operations as ops
from dovetail_protocols.compilers import Claim
from dovetail_protocols.errors import PluginError, PluginWarning
from dovetail_protocols.graph import Graph
from dovetail_protocols.plugins import use

X = np.linspace(-1.0, 1.0, 6, dtype=np.float32).reshape(2, 3)


def chain(x: Any) -> Any:
    return ops.sum(ops.exp(ops.tanh(x) * x + 2.0), axis=1)


EXPECTED = np.exp(np.tanh(X) * X + 2.0).sum(axis=1)


def test_a_claimed_part_runs_compiled_and_the_rest_by_kernels(installed: Any, claiming: Any) -> None:
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


def test_several_claims_and_several_compilers(installed: Any, claiming: Any) -> None:
    first = installed(lambda graph: [Claim(frozenset({0})), Claim(frozenset({3}))], "first")
    second = installed(claiming("multiply"), "second")
    third = installed(claiming("tanh", "sum"), "third")
    traced = function(chain)
    np.testing.assert_allclose(np.asarray(traced(X)), EXPECTED, rtol=1e-6)
    assert (first.calls, second.calls, third.calls) == (2, 1, 0)
    reasons = [reason for placement in traced.explain(X).placements for reason in placement.reasons]
    assert "third: its claim overlaps another compiler's" in reasons


def test_a_claim_that_is_not_convex_is_refused_with_the_nodes_and_the_cause(installed: Any, claiming: Any) -> None:
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


def test_a_failing_compiler_leaves_its_nodes_to_kernels_with_a_warning(installed: Any, claiming: Any) -> None:
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


def test_strict_raises_where_a_node_is_left_to_kernels(installed: Any, claiming: Any) -> None:
    installed(claiming("tanh", refused="too hard"))
    with pytest.raises(PluginError, match=r"no compiler takes all(.|\n)*1 multiply(.|\n)*too hard"):
        function(strict=True)(chain)(X)
    everything = installed(lambda graph: [Claim(frozenset(range(len(graph.nodes))))], "everything")
    function(strict=True, compilers=["everything"])(chain)(X)
    assert everything.calls == 1


def test_the_user_chooses_compilers_by_name_and_policy(installed: Any, claiming: Any) -> None:
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


def test_a_compiler_that_can_not_run_here_is_left_out_and_raises_if_named(installed: Any, claiming: Any) -> None:
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


def test_a_composite_that_a_compiler_takes_is_not_decomposed(
    installed: Any, claiming: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = installed(claiming("softmax"))
    without_kernel(monkeypatch, ops.softmax)
    function(lambda x: ops.softmax(x) * 2.0)(X)
    assert [[node.operation.short_name for node in graph.nodes] for graph in acme.compiled] == [["softmax"]]


def without_kernel(monkeypatch: pytest.MonkeyPatch, *operations: Any) -> None:
    """Takes the kernels of some operations away for the length of a test."""
    from dovetail_protocols import selection

    found = selection.candidates
    monkeypatch.setattr(
        selection, "candidates", lambda operation, *rest: [] if operation in operations else found(operation, *rest)
    )


def test_the_bodies_of_loops_are_offered_too(installed: Any, claiming: Any) -> None:
    acme = installed(claiming("tanh"))
    pick = function(lambda x: cond(ops.sum(x) > 0, lambda: ops.tanh(x), lambda: x))
    np.testing.assert_allclose(np.asarray(pick(np.abs(X))), np.tanh(np.abs(X)), rtol=1e-6)
    assert acme.calls == 1
    (node,) = [placement for placement in pick.explain(X).placements if placement.operation == "cond"]
    assert [[inner.runner for inner in body] for body in node.bodies] == [["compiler acme"], []]


def test_effects_keep_their_order_around_compiled_parts(
    installed: Any, capsys: pytest.CaptureFixture[str], claiming: Any
) -> None:
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


def test_an_effect_waits_for_one_before_it_that_waits_for_a_compiled_part(
    installed: Any, claiming: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(claiming("tanh", "exp"))  # one part, which runs after square

    @function
    def loud(x: Any) -> Any:
        ops.print(ops.tanh(x), format="first {}")
        ops.print(format="second")
        return ops.exp(ops.square(x))

    loud(np.float32(0.0))
    assert capsys.readouterr().out == "first 0.0\nsecond\n"
