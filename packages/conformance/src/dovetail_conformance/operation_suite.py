"""A pytest class that proves the operations that a package brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dovetail_protocols import selection
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins.policy import use

from .calls import Trial, trials_of
from .cases import Case
from .checks import gradients, honesty, numbers, operations, transformations
from .kernel_suite import report
from .limits import Limits
from .limits_file import read_limits
from .oracle import REFERENCE

TRIED = frozenset({"float32", "float64", "int32", "bool", "uint64"})
"""In which dtypes an operation is tried; in all that it takes where it takes none of these."""


def operation_suite(
    name: str, *, cases: Mapping[str, Sequence[Case]], limits: str | Path | Limits | None = None
) -> type:
    """A test class that proves the operations of the package `name`, to be bound to a name beginning with Test.

    `cases` gives calls by the operation's name ("acme::attention"); each operation needs some, and one with floating
    operands and results at least one that is smooth. See docs/protocols/conformance.md for what is asked. The package's
    kernels are proved by `kernel_suite`, with the same cases. `limits` names a file of what is known to fail, and why,
    beside the file that calls this; a limit's `spec` is the operation's name without its namespace.

    Raises: PluginError where the package isn't installed, is broken, or can't be used on this machine. LimitsError.
    """
    known = read_limits(limits)
    brought = selection.require_package(name).operations
    trials = [trial for one in brought for trial in _trials(one, cases.get(one.name, ()))]
    return _suite(name, brought, trials, cases, known)


def _trials(operation: Operation, cases: Sequence[Case]) -> list[Trial]:
    """The operation as a user calls it, once for each dtype."""
    taken: dict[str, frozenset[str]] = {}
    for operand in operation.operands:
        taken[operand.type_variable] = taken.get(operand.type_variable, operand.dtypes) & operand.dtypes
    spec = KernelSpec(
        id=operation.short_name,
        operation=operation.name,
        implementation="",
        dtypes={variable: names & TRIED or names for variable, names in taken.items()},
    )
    made = trials_of(spec, operation, cases)
    return [replace(trial, implementation=operations.as_the_user_calls_it) for trial in made]


def _suite(
    name: str,
    brought: Sequence[Operation],
    trials: list[Trial],
    cases: Mapping[str, Sequence[Case]],
    limits: Limits,
) -> type:
    names = [operation.short_name for operation in brought]
    each_operation = pytest.mark.parametrize("operation", brought, ids=names)
    composite = [trial for trial in trials if not trial.operation.is_primitive]
    wide = [trial for trial in trials if trial.dtype == "float64"]

    class OperationSuite:
        """Levels L0 to L4 for the operations of one package."""

        @pytest.fixture(autouse=True)
        def preferred(self) -> Any:
            with use(name):
                yield

        @pytest.fixture
        def differentiator(self) -> Any:
            found = gradients.differentiator()
            if found is None:
                pytest.skip("no package that differentiates, or no tensor package, is installed")
            return found

        def test_l0_something_is_brought(self) -> None:
            report([] if brought else [f"package {name!r} brings no operation"])

        def test_l0_cases_are_used(self) -> None:
            known = {operation.name for operation in brought}
            report([f"cases are given for {key}, which {name!r} doesn't bring" for key in cases if key not in known])

        @each_operation
        def test_l1_documentation(self, operation: Operation) -> None:
            report(operations.documentation_problems(operation))

        def test_l0_limits_are_current(self) -> None:
            report(limits.problems())

        @limits.proving(trials)
        def test_l1_proved(self, trial: Trial) -> None:
            report(honesty.proof_problems(trial))

        @limits.trials("l1_infer", trials)
        def test_l1_infer(self, trial: Trial) -> None:
            report(honesty.problems(trial))

        @limits.trials("l1_infer_beside_the_decomposition", composite)
        def test_l1_infer_beside_the_decomposition(self, trial: Trial) -> None:
            with use(REFERENCE, only=True):
                report(honesty.problems(replace(trial, implementation=operations.as_decomposed)))

        @limits.trials("l1_refusals", trials)
        def test_l1_refusals(self, trial: Trial) -> None:
            report(operations.refusal_problems(trial))

        @limits.trials("l2_numbers", trials)
        def test_l2_numbers(self, trial: Trial) -> None:
            report(numbers.problems(trial))

        @limits.trials("l2_numbers_of_the_decomposition", composite)
        def test_l2_numbers_of_the_decomposition(self, trial: Trial) -> None:
            with use(REFERENCE, only=True):
                report(numbers.problems(replace(trial, implementation=operations.as_decomposed)))

        @limits.trials("l3_graph_form", trials)
        def test_l3_graph_form(self, trial: Trial) -> None:
            report(operations.graph_form_problems(trial))

        @limits.trials("l3_batches", trials)
        def test_l3_batches(self, trial: Trial, differentiator: Any) -> None:
            report(transformations.batching_problems(trial, differentiator))

        @limits.trials("l4_gradients", wide)
        def test_l4_gradients(self, trial: Trial, differentiator: Any) -> None:
            report(transformations.gradient_problems(trial, differentiator))

        @limits.trials("l4_second_order", wide)
        def test_l4_second_order(self, trial: Trial, differentiator: Any) -> None:
            report(transformations.second_order_problems(trial, differentiator))

        @limits.trials("l4_forward_mode", wide)
        def test_l4_forward_mode(self, trial: Trial, differentiator: Any) -> None:
            report(transformations.forward_problems(trial, differentiator))

    return OperationSuite
