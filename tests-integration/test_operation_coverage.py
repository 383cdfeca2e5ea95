"""The table of what every operation has: current, and without a blank that isn't explained."""

from __future__ import annotations

import pytest

from dovetail_protocols import derivatives, operations
from dovetail_protocols.operation import primitive
from dovetail_protocols.registry import all_operations, unregister_operation
from tools import operation_cases, operation_coverage


def test_the_page_is_current() -> None:
    assert operation_coverage.PAGE.read_text("utf-8") == operation_coverage.page()


def test_an_operation_that_lacks_something_without_reason_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(derivatives.GRADIENTS, operations.sin)
    monkeypatch.delitem(derivatives.BATCHERS, operations.cos)
    with pytest.raises(operation_coverage.Missing) as caught:
        operation_coverage.page()
    assert [line.partition(";")[0] for line in str(caught.value).splitlines()] == [
        "dovetail::cos: a primitive without a batching rule",
        "dovetail::sin: a primitive without a gradient",
    ]


def test_a_primitive_without_kernel_is_noticed() -> None:
    @primitive(version=1)
    def no_kernel_of_this_name(x: Floating, /) -> Floating:  # noqa: F821 - operands' annotations are read as text
        return x

    try:
        with pytest.raises(operation_coverage.Missing, match="no_kernel_of_this_name: a primitive without a kernel"):
            operation_coverage.page()
    finally:
        unregister_operation(no_kernel_of_this_name)


def test_every_reason_is_needed() -> None:
    names = {operation.short_name for operation in all_operations()}
    assert set(operation_cases.CASES) <= names
    assert set(operation_coverage.LOOPED) <= {
        operation.short_name for operation in all_operations() if operation not in derivatives.BATCHERS
    }
    assert all(reason.strip() for reason in derivatives.NOT_DIFFERENTIABLE.values())
