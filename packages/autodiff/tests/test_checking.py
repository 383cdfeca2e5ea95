"""check_gradients finds wrong rules, and says where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, custom_gradient
from dovetail_autodiff.checking import tolerance_of
from dovetail_autodiff.extend import GRADIENTS, TANGENTS
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError
from dovetail_tensors import constant

POINT = constant(np.array([[0.3, -0.7], [1.1, 2.0]]))


def test_right_gradients_pass() -> None:
    check_gradients(lambda x, y: ops.sin(x) * y, POINT, POINT, order=2)


def test_a_wrong_reverse_rule_is_found_and_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(cotangent: Any, result: Any, x: Any) -> Any:
        return cotangent * (ops.cos(x) + constant(np.array([[0.0, 0.0], [1e-5, 0.0]])))

    monkeypatch.setitem(GRADIENTS, ops.sin, wrong)
    message = r"reverse mode, argument 1, element \(1, 0\): analytic [-\d.]+, numeric [-\d.]+; [\d.]+ times the toler"
    with pytest.raises(AssertionError, match=message):
        check_gradients(lambda x, y: x + ops.sin(y), POINT, POINT, modes=("reverse",))


def test_a_wrong_forward_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TANGENTS, ops.sin, lambda tangents, result, x: tangents[0])
    check_gradients(ops.sin, POINT, modes=("reverse",))
    with pytest.raises(AssertionError, match="forward mode, output 0"):
        check_gradients(ops.sin, POINT, modes=("forward",))


def test_a_gradient_that_was_not_summed_over_broadcast_axes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sum over the broadcast axes is right, so that element by element nothing would show."""
    monkeypatch.setitem(GRADIENTS, ops.add, lambda cotangent, result, x1, x2: (cotangent, cotangent))
    with pytest.raises(AssertionError, match=r"argument 1: the derivative is float64\[2,2\], not float64\[2\]"):
        check_gradients(ops.add, POINT, constant(np.array([0.5, 1.5])), modes=("reverse",))


def test_a_tangent_of_another_shape_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TANGENTS, ops.sin, lambda tangents, result, x: (tangents[0] * ops.cos(x))[None])
    with pytest.raises(AssertionError, match=r"output 0: the derivative is float64\[1,2,2\], not float64\[2,2\]"):
        check_gradients(ops.sin, POINT, modes=("forward",))


def test_a_wrong_second_derivative_is_found() -> None:
    @custom_gradient
    def square(x: Any) -> Any:
        return x * x, lambda upstream: upstream * ops.stop_gradient(x) * 2.0

    check_gradients(square, POINT)
    with pytest.raises(AssertionError, match="gradient check failed"):
        check_gradients(square, POINT, order=2)


def test_not_a_number_is_found() -> None:
    bad = custom_gradient(lambda x: (x * x, lambda upstream: upstream * float("nan")))
    with pytest.raises(AssertionError, match="analytic nan"):
        check_gradients(bad, POINT, modes=("reverse",))


def test_containers_integers_and_several_results() -> None:
    def function(p: Any, places: Any) -> Any:
        taken = ops.take(p["x"], places, axis=0)
        return {"product": taken * p["y"], "places": places}

    check_gradients(function, {"x": POINT, "y": POINT}, constant([1, 0]), order=2)


def test_complex_arguments() -> None:
    z = constant(np.array([0.3 + 0.5j, -1.2 + 0.1j]))
    check_gradients(lambda z: z * z * z, z)


@pytest.mark.parametrize("dtype", ["float16", "float32", "bfloat16"])
def test_narrow_dtypes_have_tolerances_of_their_own(dtype: str) -> None:
    check_gradients(lambda x: x * x, constant([0.5, 1.0], dtype=dtype))


def test_tolerances() -> None:
    assert tolerance_of(dt.float64) == pytest.approx(1e4 * 2.0 ** (-104 / 3))
    assert tolerance_of(dt.float32) == pytest.approx(1e3 * 2.0 ** (-46 / 3))
    assert tolerance_of(dt.complex128) == tolerance_of(dt.float64)
    assert tolerance_of(dt.bfloat16) == 0.5


def test_refusals() -> None:
    with pytest.raises(AttributeValueError, match="order 1 or 2"):
        check_gradients(ops.sin, POINT, order=3)
    with pytest.raises(AttributeValueError, match="modes"):
        check_gradients(ops.sin, POINT, modes=("backward",))
    with pytest.raises(DTypeError, match="no argument is floating"):
        check_gradients(lambda x: x, constant([1, 2]))
