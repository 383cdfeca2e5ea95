"""Where operations get their derivative and batching rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dovetail_protocols import derivatives
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import InvalidNameError
from dovetail_protocols.operation import Operation

DECLARATIONS = [
    (derivatives.gradient_of, derivatives.GRADIENTS),
    (derivatives.vjp_of, derivatives.PULLBACKS),
    (derivatives.jvp_of, derivatives.TANGENTS),
    (derivatives.pushforward_of, derivatives.PUSHFORWARDS),
    (derivatives.batching_of, derivatives.BATCHERS),
]


@pytest.mark.parametrize(("declare", "table"), DECLARATIONS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_rule_is_entered_and_given_back_and_a_second_one_refused(
    declare: Callable[[Operation], Callable[[Any], Any]], table: dict[Operation, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(table, ops.tanh, raising=False)

    def rule() -> None: ...

    def other() -> None: ...

    try:
        assert declare(ops.tanh)(rule) is rule
        assert table[ops.tanh] is rule
        with pytest.raises(InvalidNameError, match="dovetail::tanh has such a rule already") as caught:
            declare(ops.tanh)(other)
        assert caught.value.where == __name__
        assert table[ops.tanh] is rule
    finally:
        table.pop(ops.tanh, None)


def test_the_reason_why_an_operation_has_no_derivative_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivatives, "NOT_DIFFERENTIABLE", {})
    derivatives.not_differentiable(ops.floor, "constant almost everywhere")
    assert {ops.floor: "constant almost everywhere"} == derivatives.NOT_DIFFERENTIABLE
