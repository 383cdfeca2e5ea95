"""jacobian in both modes, and hessian."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import hessian, jacobian
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError, SignatureError
from dovetail_tensors import Variable, constant

WEIGHTS = np.linspace(-1, 1, 6).reshape(3, 2)
both_modes = pytest.mark.parametrize("mode", ["reverse", "forward"])


@both_modes
def test_shape_is_that_of_value_then_argument(mode: str) -> None:
    x = constant(np.ones((4, 3)))
    result = jacobian(lambda x: ops.matmul(x, constant(WEIGHTS)), mode=mode)(x)
    assert result.shape == (4, 2, 4, 3)
    np.testing.assert_allclose(result.numpy(), np.einsum("ik,lj->ijkl", np.eye(4), WEIGHTS), atol=1e-15)


@both_modes
def test_containers_of_value_outside_and_of_arguments_inside(mode: str) -> None:
    def function(p: Any, y: Any) -> Any:
        return {"product": p["x"] * y, "sum": (ops.sum(p["x"]),)}

    x, y = constant(np.array([1.0, 2.0])), constant(np.array([3.0, 4.0]))
    result = jacobian(function, argnums=(0, 1), mode=mode)({"x": x}, y)
    np.testing.assert_allclose(result["product"][0]["x"].numpy(), np.diag([3.0, 4.0]))
    np.testing.assert_allclose(result["product"][1].numpy(), np.diag([1.0, 2.0]))
    np.testing.assert_allclose(result["sum"][0][0]["x"].numpy(), [1.0, 1.0])
    np.testing.assert_allclose(result["sum"][0][1].numpy(), [0.0, 0.0])


@both_modes
def test_has_aux(mode: str) -> None:
    result, aux = jacobian(lambda x: (x * x, "aux"), mode=mode, has_aux=True)(constant([1.0, 2.0]))
    np.testing.assert_allclose(result.numpy(), np.diag([2.0, 4.0]))
    assert aux == "aux"


@both_modes
def test_variables(mode: str) -> None:
    variable = Variable([1.0, 2.0])
    result = jacobian(lambda v: v.read_value() * v.read_value(), mode=mode)(variable)
    np.testing.assert_allclose(result.numpy(), np.diag([2.0, 4.0]))


@both_modes
def test_empty_and_0d(mode: str) -> None:
    assert jacobian(lambda x: x * x, mode=mode)(constant(3.0)).numpy() == 6.0
    assert jacobian(lambda x: x * x, mode=mode)(constant(np.zeros((0, 2)))).shape == (0, 2, 0, 2)


def test_hessian_in_closed_form() -> None:
    point = np.array([0.3, -0.7, 1.1])
    result = hessian(lambda x: ops.sum(x) * ops.sum(x) * ops.sum(x) + ops.sum(x * x * x))(constant(point)).numpy()
    np.testing.assert_allclose(result, 6 * point.sum() * np.ones((3, 3)) + np.diag(6 * point), rtol=1e-12)


def test_hessian_of_containers() -> None:
    result = hessian(lambda p: p["x"] * p["x"] * p["y"])({"x": constant(3.0), "y": constant(2.0)})
    assert {(a, b): float(result[a][b]) for a in "xy" for b in "xy"} == {
        ("x", "x"): 4.0,
        ("x", "y"): 6.0,
        ("y", "x"): 6.0,
        ("y", "y"): 0.0,
    }


def test_hessian_with_aux() -> None:
    result, aux = hessian(lambda x: (ops.sum(x * x), "aux"), has_aux=True)(constant([1.0, 2.0]))
    np.testing.assert_allclose(result.numpy(), 2 * np.eye(2))
    assert aux == "aux"


def test_refusals() -> None:
    with pytest.raises(AttributeValueError, match='"reverse" or "forward"'):
        jacobian(lambda x: x, mode="backward")
    with pytest.raises(DTypeError, match="must not be complex"):
        jacobian(lambda x: x)(constant(1j))
    with pytest.raises(SignatureError, match="no array to differentiate"):
        jacobian(lambda x: constant(1.0), mode="forward")([])
