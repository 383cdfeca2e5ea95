"""Faulty implementations of each role, which the kit must catch at the level that should, and honest ones, which pass.

One file a role, found by being here: `MUTANTS`, its mutants, beside what implements them. `python -m mutants ROLE`, in
the folder above, runs the suites of one role and says which mutant was not caught; test_mutants.py does so for each.
`python -m tools.mutant_table`, in the root, writes the table of all into docs/protocols/mutants.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One implementation, faulty or honest.

    `what`: in one line, what is wrong with it, or what an honest one has that a check might stumble over. `caught_by`:
    the tests of its suite that must fail, by name without `test_` ("l2_numbers"), in each of which at least one case
    fails; others may fail too, unless `nothing_else`. None of an honest one's may: its `caught_by` is empty. Where the
    suite can't even be made, the test "suite_is_made" fails. `suite` makes the test class. `entry_points`: what is
    installed for it, from group to "module:attribute", under the mutant's name or under "name = module:attribute".
    `files`: modules put beside, from file name to source.
    """

    name: str
    what: str
    suite: Callable[[], type]
    caught_by: frozenset[str] = frozenset()
    nothing_else: bool = False
    entry_points: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_honest(self) -> bool:
        return not self.caught_by


def roles() -> list[str]:
    """The roles that have mutants: the files in this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def mutants_of(role: str) -> tuple[Mutant, ...]:
    """The mutants of a role, faulty and honest."""
    mutants: tuple[Mutant, ...] = tuple(import_module(f"{__name__}.{role}").MUTANTS)
    return mutants
