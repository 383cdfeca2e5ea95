"""A pytest class that proves an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from .checks import descent, optimizers
from .kernel_suite import report
from .limits import Limits
from .limits_file import read_limits


def optimizer_suite(
    make: Callable[[], Any],
    *,
    formula: optimizers.Formula | None = None,
    scheduled: Callable[[Callable[[Any], Any]], Any] | None = None,
    traced: Callable[..., Any] | None = None,
    is_separable: bool = True,
    dtypes: Sequence[str] = ("float32", "float64"),
    limits: str | Path | Limits | None = None,
) -> type:
    """A test class that proves one optimizer, to be bound to a name beginning with Test in a test module.

    `make` gives a new one each time. `formula(start, gradients)` gives, in float64, the value of one variable after
    each gradient: without it no number is compared with what it should be. `scheduled(schedule)` makes an optimizer
    whose learning rate is a function of the step, counted from 0. `traced` traces a function, as
    `dovetail_functions.function` does. `is_separable=False`: the update of one variable depends on the others, as where
    gradients are clipped by their norm together. Variables are on the CPU, in `dtypes`. `limits` names a file of what
    is known to fail, and why, beside the file that calls this.

    Raises: LimitsError.
    """
    known = read_limits(limits)

    class OptimizerSuite:
        """What Optimizer promises, and what training takes for granted."""

        def test_limits_are_current(self) -> None:
            report(known.problems())

        @known.each()
        def test_has_its_role(self) -> None:
            report(optimizers.role_problems(make))

        @known.each()
        def test_state_is_variables_of_its_own(self) -> None:
            report(optimizers.state_problems(make))

        @known.each(dtype=dtypes)
        def test_steps_are_deterministic(self, dtype: str) -> None:
            report(optimizers.determinism_problems(make, dtype))

        @known.each(dtype=dtypes)
        def test_steps_follow_the_formula(self, dtype: str) -> None:
            if formula is None:
                pytest.skip("optimizer_suite was given no formula=, so no step is compared with what it should be")
            report(optimizers.formula_problems(make, formula, dtype))

        @known.each(dtype=dtypes, problem=descent.PROBLEMS)
        def test_loss_decreases(self, dtype: str, problem: str) -> None:
            report(descent.problems(make, problem, dtype))

        @known.each()
        def test_each_variable_is_updated_as_if_alone(self) -> None:
            if not is_separable:
                pytest.skip("it is declared that one variable's update depends on the others: is_separable=False")
            report(optimizers.independence_problems(make))

        @known.each()
        def test_no_gradient_leaves_its_variable_alone(self) -> None:
            report(optimizers.missing_gradient_problems(make))

        @known.each()
        def test_refusals_change_nothing(self) -> None:
            report(optimizers.refusal_problems(make))

        @known.each()
        def test_takes_variables_of_any_class(self) -> None:
            report(optimizers.foreign_variable_problems(make))

        @known.each(dtype=dtypes)
        def test_resumes_from_its_state(self, dtype: str) -> None:
            report(optimizers.resuming_problems(make, dtype))

        @known.each()
        def test_traced_equals_eager(self) -> None:
            if traced is None:
                pytest.skip("optimizer_suite was given no traced=, so nothing is traced")
            report(optimizers.tracing_problems(make, traced))

        @known.each()
        def test_an_assigned_learning_rate_is_in_force(self) -> None:
            found = optimizers.assignment_problems(make, traced)
            if found is None:
                pytest.skip("it has no learning_rate that can be assigned, which the role doesn't ask for")
            report(found)

        @known.each()
        def test_a_schedule_is_followed(self) -> None:
            if scheduled is None:
                pytest.skip("optimizer_suite was given no scheduled=, so no schedule is tried")
            report(optimizers.schedule_problems(scheduled, traced))

    return OptimizerSuite
