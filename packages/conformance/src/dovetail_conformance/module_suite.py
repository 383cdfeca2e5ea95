"""A pytest class that proves modules: what plays the role of SupportsVariables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from .checks import gradients, module_gradients, modules
from .kernel_suite import report
from .limits import Limits
from .limits_file import read_limits
from .module_cases import ModuleCase


def module_suite(
    cases: Sequence[ModuleCase],
    *,
    traced: Callable[..., Any] | None = None,
    limits: str | Path | Limits | None = None,
) -> type:
    """A test class that proves modules, to be bound to a name beginning with Test in a test module.

    Each case describes one module; see docs/protocols/conformance.md for what is asked of it. `traced` traces a
    function, as `dovetail_functions.function` does; without it nothing is traced, and those tests are skipped.
    Arrays and variables are those of the tensor package in use, on the CPU. `limits` names a file of what is known to
    fail, and why, beside the file that calls this.

    Raises: LimitsError.
    """
    known = read_limits(limits)

    class ModuleSuite:
        """What SupportsVariables and SupportsCheckpoint promise, and what training takes for granted."""

        def test_something_is_tried(self) -> None:
            report([] if cases else ["no module is described, so nothing is proved"])

        def test_limits_are_current(self) -> None:
            report(known.problems())

        @known.each(case=cases)
        def test_has_its_role(self, case: ModuleCase) -> None:
            report(modules.role_problems(case))

        @known.each(case=cases)
        def test_every_variable_is_found(self, case: ModuleCase) -> None:
            found = modules.discovery_problems(case)
            if found is None:
                pytest.skip("the tensor package in use doesn't announce variables (dovetail_protocols.creation)")
            report(found)

        @known.each(case=cases)
        def test_variables_come_once_and_in_order(self, case: ModuleCase) -> None:
            report(modules.order_problems(case))

        @known.each(case=cases)
        def test_builds_once(self, case: ModuleCase) -> None:
            report(modules.building_problems(case))

        @known.each(case=cases)
        def test_calls_are_pure(self, case: ModuleCase) -> None:
            report(modules.purity_problems(case))

        @known.each(case=cases)
        def test_traced_equals_eager(self, case: ModuleCase) -> None:
            if traced is None:
                pytest.skip("module_suite was given no traced=, so nothing is traced")
            report(modules.tracing_problems(case, traced))

        @known.each(case=cases)
        def test_gradients_reach_variables(self, case: ModuleCase) -> None:
            chosen = gradients.differentiator()
            if chosen is None:
                pytest.skip("no package that differentiates, or no tensor package, is installed")
            report(module_gradients.problems(case, chosen))

        @known.each(case=cases)
        def test_wrong_inputs_are_refused(self, case: ModuleCase) -> None:
            if not case.refused:
                pytest.skip("the case names no inputs that must be refused")
            report(modules.refusal_problems(case))

        @known.each(case=cases)
        def test_state_can_be_handed_over(self, case: ModuleCase) -> None:
            report(modules.checkpoint_problems(case))

        @known.each(case=cases, way=modules.COPIES)
        def test_copies_are_apart(self, case: ModuleCase, way: str) -> None:
            try:
                found = modules.copying_problems(case, modules.COPIES[way])
            except modules.NOT_COPIED as error:
                pytest.skip(f"it can't be copied by {way}, which its role doesn't promise: {error}")
            report(found)

    return ModuleSuite
