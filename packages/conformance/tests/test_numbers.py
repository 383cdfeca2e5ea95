"""Level 2 isn't passed by luck: freed memory, where right numbers may still lie, is spoiled before a kernel runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_conformance import case, given
from dovetail_conformance.calls import Trial
from dovetail_conformance.checks import numbers
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.operations import square

X = np.arange(1.0, 12.0, dtype=np.float32)


def without_the_last(call: Any) -> Any:
    """A kernel that leaves the last element of its result as the allocator gave it."""

    def run(x: Any) -> Any:
        result = np.empty(x.shape, x.dtype)
        result[:-1] = np.square(x[:-1])
        return result

    return run


def trial() -> Trial:
    spec = KernelSpec(
        id="square",
        operation="dovetail::square",
        implementation="",
        dtypes={"T": frozenset({"float32"})},
        layouts=frozenset({"contiguous"}),
    )
    right = case(given(X.tolist()), oracle=lambda x: np.square(x))
    return Trial(spec, square, "T", "float32", (right,), without_the_last)


def test_an_unwritten_element_is_seen_where_right_numbers_lie_in_freed_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil = numbers.spoil_free_memory
    monkeypatch.setattr(numbers, "spoil_free_memory", lambda call: np.square(X))  # freed at once, right numbers and all
    if numbers.problems(trial()):
        pytest.skip("this allocator doesn't hand out next what was freed last")

    def right_numbers_then_spoil(call: Any) -> None:
        np.square(X)
        spoil(call)

    monkeypatch.setattr(numbers, "spoil_free_memory", right_numbers_then_spoil)
    assert numbers.problems(trial())
