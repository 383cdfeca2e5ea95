"""Rules for an operation of one's own, by the extension surface."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, extend, grad, jvp, vjp, vmap
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import GradientError
from dovetail_protocols.operation import Operation, composite
from dovetail_protocols.registry import unregister_operation
from dovetail_tensors import constant


def like_x(x: Any) -> Any:
    return x


@pytest.fixture
def triple() -> Iterator[Operation]:
    """3x, as a plug-in would bring it; its rules are forgotten afterwards."""

    @composite(version=1, namespace="test", infer=like_x)
    def triple(x: Floating, /) -> Floating:  # noqa: F821 - operands' annotations are read as text
        return ops.multiply(x, 3.0)

    yield triple
    unregister_operation(triple)
    for table in (extend.GRADIENTS, extend.PULLBACKS, extend.TANGENTS, extend.PUSHFORWARDS, extend.BATCHERS):
        table.pop(triple, None)
    extend.NOT_DIFFERENTIABLE.pop(triple, None)


def test_without_rules_the_decomposition_serves(triple: Operation) -> None:
    assert float(grad(triple)(2.0)) == 3.0
    assert float(jvp(triple, (2.0,), (1.0,))[1]) == 3.0
    np.testing.assert_array_equal(vmap(triple)(constant([1.0, 2.0])).numpy(), [3.0, 6.0])
    check_gradients(triple, constant([1.0, 2.0], dtype="float64"), order=2)


def test_a_reverse_rule_serves_both_modes(triple: Operation) -> None:
    @extend.gradient_of(triple)
    def rule(cotangent: Any, result: Any, x: Any) -> Any:
        assert (float(result), float(x)) == (6.0, 2.0)
        return cotangent * 30.0

    assert float(grad(triple)(2.0)) == 30.0
    assert float(jvp(triple, (2.0,), (1.0,))[1]) == 30.0


def test_a_cotangent_given_as_a_function_is_computed_only_where_needed(triple: Operation) -> None:
    calls = []

    @extend.gradient_of(triple)
    def rule(cotangent: Any, result: Any, x: Any) -> Any:
        return lambda: calls.append("computed") or cotangent * 30.0

    assert float(grad(lambda x: triple(ops.stop_gradient(x)) + x)(2.0)) == 1.0
    assert calls == []
    assert float(grad(triple)(2.0)) == 30.0
    assert calls == ["computed"]


def test_a_rule_with_its_own_forward_pass(triple: Operation) -> None:
    @extend.vjp_of(triple)
    def rule(wanted: Any, x: Any) -> Any:
        assert wanted == (True,)
        kept = ops.multiply(x, 10.0)
        return ops.multiply(x, 3.0), lambda cotangent: cotangent * kept

    value, pullback = vjp(triple, constant(2.0))
    assert (float(value), float(pullback(constant(1.0))[0])) == (6.0, 20.0)


def test_a_forward_rule(triple: Operation) -> None:
    @extend.jvp_of(triple)
    def rule(tangents: Any, result: Any, x: Any) -> Any:
        return tangents[0] * 300.0

    assert float(jvp(triple, (2.0,), (1.0,))[1]) == 300.0
    assert float(grad(triple)(2.0)) == 3.0


def test_a_batching_rule_sees_the_whole_batch(triple: Operation) -> None:
    @extend.batching_of(triple)
    def rule(size: int, is_batched: Any, x: Any) -> Any:
        assert (size, is_batched, x.shape) == (2, (True,), (2,))
        return ops.multiply(x, 3000.0)

    np.testing.assert_array_equal(vmap(triple)(constant([1.0, 2.0])).numpy(), [3000.0, 6000.0])


def test_not_differentiable_cuts(triple: Operation) -> None:
    extend.not_differentiable(triple, "for this test")
    assert float(grad(lambda x: triple(x) * x)(2.0)) == 6.0


def test_a_second_rule_is_refused_and_the_first_stays(triple: Operation) -> None:
    extend.gradient_of(triple)(lambda cotangent, result, x: cotangent * 30.0)
    with pytest.raises(ValueError, match="test::triple has such a rule already"):
        extend.gradient_of(triple)(lambda cotangent, result, x: cotangent)
    assert float(grad(triple)(2.0)) == 30.0


def test_a_rule_that_gives_the_wrong_number_of_cotangents_is_noticed(triple: Operation) -> None:
    extend.gradient_of(triple)(lambda cotangent, result, x: (cotangent, cotangent))
    with pytest.raises(GradientError, match="rule of test::triple gave 2 cotangents for 1 operands"):
        grad(triple)(2.0)
