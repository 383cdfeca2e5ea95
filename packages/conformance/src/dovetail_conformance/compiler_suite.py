"""A pytest class that proves a compiler: whatever it claims of the standard's operations, one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dovetail_protocols.compilers import Compiler
from dovetail_protocols.devices import find_device
from dovetail_protocols.errors import PluginError
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins.discovery import find
from dovetail_protocols.registry import all_operations

from .calls import Trial, calls_of, trials_of
from .case_bank import cases_of
from .checks import contract, honesty, numbers
from .graphs import COMPILERS, compiled
from .kernel_suite import record_speed, report

VARIABLES = frozenset({"read_variable", "assign_variable"})


def compiler_suite(name: str, *, device: str = "cpu", measure_speed: bool = False) -> type:
    """A test class that proves the compiler `name`, to be bound to a name beginning with Test in a test module. Graphs
    are for the kind of device given.

    Each operation of the standard is offered by itself, as a graph of one node, on the calls of the case bank, in each
    dtype. What the compiler claims must be right beside a float64 reference, in every memory layout, leave its inputs
    and what lies around them alone, and be the same each time and in two threads (levels L1 to L3 of kernels). What it
    doesn't claim is skipped, with its reason. `measure_speed` adds level L6: each operation is timed in float32.

    Raises: PluginError where it isn't installed, or can't be used on this machine; DeviceError.
    """
    compiler, kind = _find(name), find_device(device).kind
    tried = [operation for operation in all_operations() if _is_tried(operation)]
    trials = [trial for operation in tried for trial in _trials(compiler, operation, kind)]

    class CompilerSuite:
        """Levels L1 to L3 for one compiler."""

        @pytest.mark.parametrize("trial", trials, ids=str)
        def test_claimed_operations(self, trial: Trial) -> None:
            calls = list(calls_of(trial))
            if not any(call.is_accepted for call in calls):
                reasons = sorted({str(call.outcome.reason) for call in calls})
                pytest.skip("; ".join(reasons) or "infer refuses every case")
            report([*honesty.problems(trial), *numbers.problems(trial), *contract.problems(trial)])

        if measure_speed:

            @pytest.mark.parametrize("trial", [trial for trial in trials if trial.dtype in ("float32", "")], ids=str)
            def test_l6_speed(self, trial: Trial, record_property: Callable[[str, object], None]) -> None:
                record_speed(trial, name, record_property)

    return CompilerSuite


def _find(name: str) -> Compiler:
    plugin = next((plugin for plugin in find(COMPILERS) if plugin.name == name), None)
    if plugin is None:
        raise PluginError(f"no compiler {name!r} is installed", fix="install it, or correct the name")
    compiler: Compiler = plugin.load()
    unusable = compiler.probe()
    if unusable is not None:
        raise PluginError(f"compiler {name!r} can't be used here", cause=unusable.reason)
    return compiler


def _is_tried(operation: Operation) -> bool:
    return not (operation.data_dependent or operation.has_effect or operation.short_name in VARIABLES)


def _trials(compiler: Compiler, operation: Operation, device: str) -> list[Trial]:
    spec = KernelSpec(id=operation.short_name, operation=operation.name, implementation="", device=device)
    return [
        replace(trial, implementation=lambda call: compiled(compiler, call))
        for trial in trials_of(spec, operation, cases_of(operation))
    ]
