"""Implementations with a file of limits: those that are too many, too wide or untrue must fail."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from . import Mutant, checkpoint_formats, compilers, modules, optimizers


def entry(case: str, level: str = "L2", spec: str = "square", reason: str = "NaN becomes 0") -> str:
    return f'[[limits]]\nspec = "{spec}"\nlevel = "{level}"\ncase = "{case}"\nreason = "{reason}"\n'


NAN = entry("special values")
EVERY_CASE = "".join(map(entry, ("plain", "0-d", "long", "three axes", "special values", "three"))) + entry(
    "empty", "L1"
)
PINNED = 'case_bank = "2026.01"\n'


def mutant(name: str, what: str, package: str, text: str, *caught_by: str, since: str = "", **more: Any) -> Mutant:
    """A package of kernels.py with limits of this text; `since`: one more case, of the bank of that date."""

    def suite() -> type:
        from dovetail_conformance import array, case, given, kernel_suite, limits, limits_file

        added = [case(given([1.0, float("nan")]), name="added", since=since)] if since else []
        known = ("2025.01", "2026.01", "2026.11")
        banks = [mock.patch.object(module, "CASE_BANKS", known) for module in (limits, limits_file)]
        with tempfile.TemporaryDirectory() as folder, banks[0], banks[1]:
            file = Path(folder) / "conformance.toml"
            file.write_text(text, encoding="utf-8")
            return kernel_suite(name, limits=file, cases={"square": [case(array(3), name="three"), *added]})

    return Mutant(
        name=name,
        what=what,
        caught_by=frozenset(caught_by),
        suite=suite,
        entry_points={"dovetail.kernels.v1": f"mutants.kernels:{package}"},
        **more,
    )


def limited(
    name: str, what: str, suite_of: Callable[..., type], text: str, *caught_by: str, target: str = ""
) -> Mutant:
    """A mutant of another file with limits of this text; `target`: of compilers, what is installed."""

    def suite() -> type:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "conformance.toml"
            file.write_text(text, encoding="utf-8")
            return suite_of(limits=file)

    return Mutant(
        name=name,
        what=what,
        caught_by=frozenset(caught_by),
        nothing_else=True,
        suite=suite,
        entry_points={"dovetail.compilers.v1": f"mutants.compilers:{target}"} if target else {},
    )


def compiler(name: str, what: str, target: str, text: str, *caught_by: str) -> Mutant:
    return limited(name, what, partial(compilers.suite_of, name), text, *caught_by, target=target)


def of_test(test: str) -> str:
    return f'[[limits]]\ntest = "{test}"\nreason = "known"\n'


BIAS = "".join(
    f'[[limits]]\n{named}\nreason = "what is added to a product is forgotten"\n'
    for named in (
        'spec = "dense"\nlevel = "L5"',
        'spec = "updated-through-product"\nlevel = "L5"',
        'spec = "updated-through-product"\ndtype = "float64"\nlevel = "L3"',
        'test = "l4_gradients[dense-float64]"',
    )
)

MUTANTS = (
    limited(
        "known_copying",
        "a module whose deep copies aren't apart, which it limits",
        partial(modules.suite_of, modules.SharesWithItsCopy),
        of_test("copies_are_apart[affine-deepcopy]") + of_test("traced_equals_eager"),
    ),
    limited(
        "known_values",
        "a module that can't be traced, which it limits",
        partial(modules.suite_of, modules.LooksAtValues),
        of_test("traced_equals_eager[affine]"),
    ),
    limited(
        "known_silence",
        "a checkpoint format that doesn't say what was left, which it limits",
        partial(checkpoint_formats.suite_of, checkpoint_formats.HidesWhatIsLeft),
        of_test("a_partial_restore_names_what_is_left"),
    ),
    limited(
        "limits_a_right_optimizer",
        "an optimizer with a limit for what passes, and one for a dtype that isn't tried",
        partial(optimizers.suite_of, optimizers.Honest),
        of_test("steps_follow_the_formula[float64]") + of_test("steps_follow_the_formula[float16]"),
        "steps_follow_the_formula",
        "limits_are_current",
    ),
    compiler("known_graph", "a compiler with a fault at one graph, which it limits", "MISFUSING", BIAS),
    compiler(
        "limits_what_is_not_claimed",
        "a compiler with a limit in a dtype that it doesn't claim",
        "HONEST",
        entry("plain", spec="tanh") + 'dtype = "float16"\n',
        "l2_numbers",
    ),
    compiler(
        "limits_a_right_graph",
        "a compiler with a limit for a graph that passes",
        "HONEST",
        BIAS,
        "l3_graphs",
        "l4_gradients",
        "l5_graphs",
    ),
    mutant("known_fault", "has a fault at one case, which it limits", "SWALLOWS_NAN", NAN),
    mutant(
        "newest_case_fails", "fails a case newer than its pinned bank", "SWALLOWS_NAN", PINNED + NAN, since="2026.11"
    ),
    mutant("limits_what_passes", "has a limit for what passes", "HONEST", NAN, "l2_numbers", nothing_else=True),
    mutant(
        "limits_nothing",
        "has a limit for a kernel that isn't there",
        "HONEST",
        entry("plain", spec="cube"),
        "l0_limits_are_current",
        nothing_else=True,
    ),
    mutant(
        "limits_a_test_that_is_not_there",
        "has a limit for a test that isn't there",
        "HONEST",
        '[[limits]]\ntest = "l3_contract[square-T-int8]"\nreason = "slow"\n',
        "l0_limits_are_current",
        nothing_else=True,
    ),
    mutant(
        "limits_all_numbers",
        "limits L2 without naming a case",
        "IS_INACCURATE",
        '[[limits]]\nspec = "square"\nlevel = "L2"\nreason = "off by a thousandth"\n',
        "l0_limits_are_current",
        "l2_numbers",
    ),
    mutant(
        "limits_every_case",
        "limits each case by itself",
        "HONEST",
        EVERY_CASE,
        "l1_proved",
    ),
    mutant("gives_no_reason", "has a limit without a reason", "HONEST", entry("plain", reason=" "), "suite_is_made"),
    mutant("is_unreadable", "has limits that are no TOML", "HONEST", "limits = [", "suite_is_made"),
    mutant(
        "older_case_fails",
        "fails a case that was advisory a minor version ago",
        "SWALLOWS_NAN",
        PINNED.replace("2026.01", "2025.01") + NAN,
        "l2_numbers",
        since="2026.01",
        nothing_else=True,
    ),
)
