"""jvp: forward mode by rules, by transposed reverse rules and by decomposition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import grad, jvp
from dovetail_autodiff.extend import GRADIENTS, PULLBACKS, TANGENTS
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import DTypeError, GradientError, ShapeError, SignatureError, StructureError
from dovetail_tensors import Variable, constant


def test_jvp_gives_value_and_derivative_along_the_tangent() -> None:
    value, tangent = jvp(lambda x, y: x * x * y, (constant(3.0), constant(2.0)), (constant(1.0), constant(10.0)))
    assert (float(value), float(tangent)) == (18.0, 2 * 3 * 2 + 9 * 10)


def test_python_numbers_are_primals_and_tangents() -> None:
    assert [float(array) for array in jvp(lambda x: x * x, (3.0,), (1.0,))] == [9.0, 6.0]


def test_structures_are_mirrored() -> None:
    primals = ({"a": constant(2.0), "b": [constant([1.0, 2.0])]},)
    tangents = ({"a": constant(1.0), "b": [constant([0.0, 3.0])]},)
    value, tangent = jvp(lambda p: {"out": p["a"] * p["b"][0], "constant": constant(1.0)}, primals, tangents)
    np.testing.assert_allclose(value["out"].numpy(), [2.0, 4.0])
    np.testing.assert_allclose(tangent["out"].numpy(), [1.0, 2.0 + 6.0])
    assert float(tangent["constant"]) == 0.0


def test_has_aux() -> None:
    value, tangent, aux = jvp(lambda x: (x * x, "aux"), (constant(3.0),), (constant(1.0),), has_aux=True)
    assert (float(value), float(tangent), aux) == (9.0, 6.0, "aux")


def test_a_variable_carries_its_tangent() -> None:
    variable = Variable(3.0)
    value, tangent = jvp(lambda v: v.read_value() * v.read_value(), (variable,), (constant(2.0),))
    assert (float(value), float(tangent)) == (9.0, 12.0)


def without_forward_rule(monkeypatch: pytest.MonkeyPatch, operation: Any) -> None:
    monkeypatch.delitem(TANGENTS, operation, raising=False)


def test_an_operation_without_forward_rule_goes_through_its_reverse_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    without_forward_rule(monkeypatch, ops.multiply)
    assert ops.multiply in GRADIENTS
    x, y = constant([1.0, 2.0]), constant([3.0, 4.0])
    _, tangent = jvp(lambda x, y: x * y, (x, y), (constant([1.0, 0.0]), constant([0.0, 1.0])))
    np.testing.assert_allclose(tangent.numpy(), [3.0, 2.0])


def test_an_operation_with_a_pullback_of_its_own_goes_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def multiply(wanted: Any, x1: Any, x2: Any) -> Any:
        return ops.multiply(x1, x2), lambda cotangent: (cotangent / (1 / x2), cotangent / (1 / x1))

    without_forward_rule(monkeypatch, ops.multiply)
    monkeypatch.delitem(GRADIENTS, ops.multiply)
    monkeypatch.setitem(PULLBACKS, ops.multiply, multiply)
    assert float(grad(lambda x: x * x * 2.0)(3.0)) == 12.0
    assert float(jvp(lambda x: x * x * 2.0, (3.0,), (1.0,))[1]) == 12.0


def test_an_operation_without_any_rule_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    for table in (TANGENTS, GRADIENTS, PULLBACKS):
        monkeypatch.delitem(table, ops.negative, raising=False)
    with pytest.raises(GradientError, match="dovetail::negative has no forward derivative"):
        jvp(lambda x: -x, (constant(1.0),), (constant(1.0),))


def test_stop_gradient_and_integers_carry_nothing() -> None:
    def function(x: Any) -> Any:
        whole = ops.cast(x, dtype="int32")
        return ops.stop_gradient(x) * 2.0 + ops.cast(whole, dtype="float32")

    assert float(jvp(function, (constant(3.0),), (constant(1.0),))[1]) == 0.0


def test_tangents_that_do_not_fit_are_refused() -> None:
    x = constant([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"tangents\[0\]"):
        jvp(lambda x: x, (x,), (constant([1.0]),))
    with pytest.raises(DTypeError, match="float64"):
        jvp(lambda x: x, (x,), (constant([1.0, 2.0], dtype="float64"),))
    with pytest.raises(StructureError, match="tangents given to jvp"):
        jvp(lambda x: x, (x,), ([x],))
    with pytest.raises(SignatureError, match="are tuples"):
        jvp(lambda x: x, x, x)
