"""What served which operation in this process, and what was passed over for it: the counters behind `explain`.

Counted is how often an evaluator chose a runner for a call that it hadn't met (eagerly: one for each choice of dtypes,
attributes and, where kernels look at them, shapes; in a function: one for each node of a graph), not every call.
"""

from __future__ import annotations

import threading

from .records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .selection import Selection

LIMIT = 4096
"""Different uses that are kept apart; reasons may name sizes, and vary without end."""

_lock = threading.Lock()
_counts: dict[Use, int] = {}


@record
class Use:
    """`runner` ("acme/matmul", "compiler llvm" or "decomposition") served `operation`; `passed_over` has the kernels
    that came before it and why they didn't: "acme/fast: dtype float16 not declared"."""

    operation: str
    runner: str
    passed_over: tuple[str, ...] = ()

    @property
    def is_fallback(self) -> bool:
        """Whether something that would have come first didn't take the operation."""
        return bool(self.passed_over)


def count_selection(operation: str, selection: Selection, compilers: Iterable[str] = ()) -> None:
    """Counts what a selection came to. `compilers`: which of them left the operation, and why ("llvm: too small")."""
    chosen = selection.chosen
    passed = [one for one in selection.decisions if one.reason is not None and not one.by_user]
    count(
        operation,
        "decomposition" if chosen is None else f"{chosen.package}/{chosen.spec.id}",
        [*compilers, *(f"{one.candidate.package}/{one.candidate.spec.id}: {one.reason}" for one in passed)],
    )


def count(operation: str, runner: str, passed_over: Iterable[str] = ()) -> None:
    """Counts one use."""
    use = Use(operation, runner, tuple(passed_over))
    with _lock:
        if use not in _counts and len(_counts) >= LIMIT:
            use = Use(operation, runner, ("other reasons",) if use.passed_over else ())
        _counts[use] = _counts.get(use, 0) + 1


def uses() -> Mapping[Use, int]:
    """All uses so far, and how often each was counted."""
    with _lock:
        return dict(_counts)


def fallbacks() -> Mapping[Use, int]:
    """The uses that are fallbacks."""
    return {use: times for use, times in uses().items() if use.is_fallback}


def forget() -> None:
    """Begins to count anew."""
    with _lock:
        _counts.clear()
