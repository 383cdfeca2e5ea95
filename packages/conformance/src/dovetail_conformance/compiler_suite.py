"""A pytest class that proves a compiler: on the operations of the standard, one by one, and on small graphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail_protocols.compilers import Compiler
from dovetail_protocols.devices import find_device
from dovetail_protocols.errors import PluginError
from dovetail_protocols.plugins import find
from dovetail_protocols.plugins.versions import offered_by

from .calls import Trial, calls_of
from .case_bank.graphs import GRAPHS
from .checks import claims, contract, gradients, graphs, honesty, load, numbers
from .graph_calls import GraphTrial, traced
from .kernel_suite import record_speed, report
from .limits import Limits
from .limits_file import read_limits
from .oracle import can_trace
from .single_nodes import operation_trials

GROUP = "dovetail.compilers.v1"


def compiler_suite(
    name: str, *, device: str = "cpu", limits: str | Path | Limits | None = None, measure_speed: bool = False
) -> type:
    """A test class that proves the compiler `name`, to be bound to a name beginning with Test in a test module.

    Each operation of the standard is offered by itself, on the calls of the case bank, in each dtype, and a bank of
    graphs; on the kind of device that is named. What the compiler claims must be right; what it doesn't is skipped,
    with its reason. docs/protocols/conformance.md says what each level asks. `limits` names a file of what is known to
    fail, and why, beside the file that calls this; a limit's `spec` is the operation's or the graph's name.
    `measure_speed` adds level L6: each operation is timed in float32.

    Raises: PluginError where it isn't installed, or can't be used on this machine. DeviceError. LimitsError.
    """
    known = read_limits(limits)
    compiler, kind = _find(name), find_device(device).kind
    trials = operation_trials(compiler, kind)
    bank = [GraphTrial(case, dtype, kind) for case in GRAPHS for dtype in case.dtypes]
    return _suite(name, compiler, trials, bank, known, measure_speed)


def _find(name: str) -> Compiler:
    plugin = next((plugin for plugin in find(GROUP) if plugin.name == name), None)
    if plugin is None:
        raise PluginError(f"no compiler {name!r} is installed", fix="install it, or correct the name")
    compiler: Compiler = offered_by(plugin)
    unusable = compiler.probe()
    if unusable is not None:
        raise PluginError(f"compiler {name!r} can't be used here", cause=unusable.reason)
    return compiler


def _suite(
    name: str, compiler: Compiler, trials: list[Trial], bank: list[GraphTrial], limits: Limits, timed: bool
) -> type:
    smooth = [trial for trial in bank if trial.case.smooth and trial.dtype == "float64"]

    touched, unclaimed = limits.touched(trials), Unclaimed()
    whole = {str(trial): trial for trial in touched}

    class CompilerSuite:
        """Levels L0 to L5 for one compiler."""

        @limits.each()
        def test_l0_loads(self) -> None:
            report(load.problems(name, GROUP))

        def test_l0_something_is_claimed(self) -> None:
            claimed = any(call.is_accepted for trial in trials for call in calls_of(trial))
            report([] if claimed else [f"compiler {name!r} claims no operation of the standard"])

        def test_l0_limits_are_current(self) -> None:
            report(limits.problems())

        if touched:  # elsewhere what is claimed is proved by being tried

            @limits.proving(touched)
            def test_l1_proved(self, trial: Trial, request: pytest.FixtureRequest) -> None:
                unclaimed.skip(whole[str(trial)], request)
                report(honesty.proof_problems(trial))

        @limits.trials("l1_honesty", trials)
        def test_l1_honesty(self, trial: Trial, request: pytest.FixtureRequest) -> None:
            report(honesty.problems(trial))
            unclaimed.skip(trial, request)

        @limits.graphs("l1_claims", bank)
        def test_l1_claims(self, graph: GraphTrial) -> None:
            skip_untraceable()
            report(claims.problems(compiler, traced(graph).graph))

        @limits.trials("l2_numbers", trials)
        def test_l2_numbers(self, trial: Trial, request: pytest.FixtureRequest) -> None:
            unclaimed.skip(trial, request)
            report(numbers.problems(trial))

        @limits.trials("l3_contract", trials)
        def test_l3_contract(self, trial: Trial, request: pytest.FixtureRequest) -> None:
            unclaimed.skip(trial, request)
            report(contract.problems(trial))

        @limits.graphs("l3_graphs", bank)
        def test_l3_graphs(self, graph: GraphTrial) -> None:
            skip_untraceable()
            report_parts(graphs.contract_problems(compiler, graph))

        @limits.graphs("l4_gradients", smooth)
        def test_l4_gradients(self, graph: GraphTrial) -> None:
            skip_untraceable()
            chosen: Any = gradients.differentiator()
            if chosen is None:
                pytest.skip("no package that differentiates is installed")
            report_parts(graphs.gradient_problems(compiler, graph, chosen))

        @limits.graphs("l5_graphs", bank)
        def test_l5_graphs(self, graph: GraphTrial) -> None:
            skip_untraceable()
            report_parts(graphs.number_problems(compiler, graph))

        if timed:

            @pytest.mark.parametrize("trial", [trial for trial in trials if trial.dtype in ("float32", "")], ids=str)
            def test_l6_speed(self, trial: Trial, record_property: Callable[[str, object], None]) -> None:
                record_speed(trial, name, record_property)

    return CompilerSuite


class Unclaimed:
    """Skips the tests of operations of which a compiler claims no call, with the reason, which it asks for once."""

    def __init__(self) -> None:
        self._reasons: dict[tuple[str, ...], str | None] = {}

    def skip(self, trial: Trial, request: pytest.FixtureRequest) -> None:
        if request.node.get_closest_marker("xfail") is not None:
            return  # a limit of what is not claimed is to be noticed, not skipped
        key = (str(trial), *(case.name for case in trial.cases))
        if key not in self._reasons:
            self._reasons[key] = self._reason(trial)
        reason = self._reasons[key]
        if reason is not None:
            pytest.skip(reason)

    def _reason(self, trial: Trial) -> str | None:
        """Why no call is claimed, or None where one is."""
        reasons = set()
        for call in calls_of(trial):
            if call.is_accepted:
                return None
            reasons.add(str(call.outcome.reason))
        return "; ".join(sorted(reasons)) or "infer refuses every case"


def skip_untraceable() -> None:
    if not can_trace():
        pytest.skip("graphs need dovetail-tensors and dovetail-kernels-numpy to be traced and run node by node")


def report_parts(problems: list[str] | None) -> None:
    if problems is None:
        pytest.skip("no part of the graph is claimed")
    report(problems)
