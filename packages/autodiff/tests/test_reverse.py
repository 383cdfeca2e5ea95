"""grad, value_and_grad and vjp: argument forms, results, and what they refuse."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import grad, value_and_grad, vjp
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current
from dovetail_protocols.errors import DTypeError, GradientError, ShapeError, SignatureError, StructureError
from dovetail_protocols.operation import primitive
from dovetail_protocols.registry import unregister_operation
from dovetail_tensors import Variable, constant

Point = namedtuple("Point", ["x", "y"])


def cubed(x: Any) -> Any:
    return ops.sum(x * x * x)


def test_grad_of_a_scalar_function() -> None:
    x = constant([1.0, 2.0])
    np.testing.assert_allclose(grad(cubed)(x).numpy(), [3.0, 12.0])


def test_value_and_grad_gives_both() -> None:
    value, gradient = value_and_grad(cubed)(constant([1.0, 2.0]))
    assert float(value) == 9.0
    np.testing.assert_allclose(gradient.numpy(), [3.0, 12.0])


def test_python_floats_are_arguments() -> None:
    assert float(grad(lambda x: x * x)(3.0)) == 6.0


def test_argnums_chooses_arguments() -> None:
    def function(x: Any, y: Any, *, factor: float = 1.0) -> Any:
        return ops.sum(x * x * y * factor)

    x, y = constant([2.0]), constant([3.0])
    np.testing.assert_allclose(grad(function, argnums=1)(x, y, factor=2.0).numpy(), [8.0])
    np.testing.assert_allclose(grad(function, argnums=-1)(x, y).numpy(), [4.0])
    both = grad(function, argnums=(1, 0))(x, y)
    assert isinstance(both, tuple)
    assert [gradient.numpy().tolist() for gradient in both] == [[4.0], [12.0]]


def test_gradients_mirror_nested_containers() -> None:
    parameters = {"layers": [Point(constant(2.0), constant(3.0))], "scale": (constant(5.0), None)}

    def function(p: Any) -> Any:
        [point] = p["layers"]
        return point.x * point.x * point.y * p["scale"][0]

    gradients = grad(function)(parameters)
    assert isinstance(gradients["layers"][0], Point)
    assert float(gradients["layers"][0].x) == 60.0
    assert float(gradients["layers"][0].y) == 20.0
    assert float(gradients["scale"][0]) == 12.0
    assert gradients["scale"][1] is None


def test_what_nothing_depends_on_gets_zeros() -> None:
    gradients = grad(lambda p: p["used"] * 2.0)({"used": constant(1.0), "unused": constant([1.0, 2.0])})
    np.testing.assert_array_equal(gradients["unused"].numpy(), [0.0, 0.0])


def test_has_aux_passes_the_rest_on() -> None:
    (value, aux), gradient = value_and_grad(lambda x: (x * x, {"seen": "anything"}), has_aux=True)(3.0)
    assert (float(value), aux, float(gradient)) == (9.0, {"seen": "anything"}, 6.0)
    gradient, aux = grad(lambda x: (x * x, "aux"), has_aux=True)(3.0)
    assert (float(gradient), aux) == (6.0, "aux")


def test_an_array_in_a_closure_is_another_than_the_argument() -> None:
    x = constant(3.0)
    assert float(grad(lambda argument: argument * x)(x)) == 3.0


def test_one_array_as_two_arguments_gets_two_gradients() -> None:
    x = constant(3.0)
    first, second = grad(lambda a, b: a * a * b, argnums=(0, 1))(x, x)
    assert (float(first), float(second)) == (18.0, 9.0)


def test_an_array_used_many_times_gets_the_sum() -> None:
    assert float(grad(lambda x: x * x + x * 3.0 + x)(2.0)) == 8.0


# ---------------------------------------------------------------------- variables


def test_a_variable_as_argument_gets_its_gradient() -> None:
    variable = Variable([1.0, 2.0], trainable=False)
    gradient = grad(lambda v: ops.sum(v.read_value() * v.read_value()))(variable)
    np.testing.assert_allclose(gradient.numpy(), [2.0, 4.0])


class Model:
    """What a module is to this package: an object with variables."""

    def __init__(self) -> None:
        self.kernel, self.frozen, self.bias = Variable(2.0), Variable(7.0, trainable=False), Variable(1.0)

    @property
    def variables(self) -> Sequence[Any]:
        return [self.kernel, self.frozen, self.bias]

    @property
    def trainable_variables(self) -> Sequence[Any]:
        return [self.kernel, self.bias]

    def __call__(self, x: Any) -> Any:
        return self.kernel.read_value() * x + self.frozen.read_value() * self.bias.read_value()


def test_a_module_gets_the_gradients_of_its_trainable_variables_in_order() -> None:
    value, gradients = value_and_grad(lambda model, x: model(x))(Model(), constant(3.0))
    assert float(value) == 13.0
    assert [float(gradient) for gradient in gradients] == [3.0, 7.0]


def test_modules_may_stand_in_containers() -> None:
    gradients = grad(lambda parts: parts["model"](parts["x"]))({"model": Model(), "x": constant(3.0)})
    assert [float(gradient) for gradient in gradients["model"]] == [3.0, 7.0]
    assert float(gradients["x"]) == 2.0


def test_an_object_that_is_called_is_a_function_and_keeps_its_attributes_to_itself() -> None:
    differentiated = grad(Model())
    assert float(differentiated(3.0)) == 2.0
    assert not hasattr(differentiated, "kernel")


def test_a_variable_that_is_returned_counts_as_read() -> None:
    assert float(grad(lambda v: v)(Variable(3.0))) == 1.0


# ---------------------------------------------------------------------- vjp


def test_vjp_gives_value_and_pullback_in_their_structures() -> None:
    def function(x: Any, y: Any) -> Any:
        return {"product": x * y, "sum": [x + y]}

    value, pullback = vjp(function, constant([1.0, 2.0]), constant([3.0, 4.0]))
    np.testing.assert_allclose(value["product"].numpy(), [3.0, 8.0])
    cotangent = {"product": constant([1.0, 10.0]), "sum": [constant([0.5, 0.5])]}
    for _ in range(2):
        by_x, by_y = pullback(cotangent)
        np.testing.assert_allclose(by_x.numpy(), [3.5, 40.5])
        np.testing.assert_allclose(by_y.numpy(), [1.5, 20.5])


def test_vjp_with_aux() -> None:
    value, pullback, aux = vjp(lambda x: (x * x, "aux"), constant(3.0), has_aux=True)
    assert (float(value), aux) == (9.0, "aux")
    assert [float(gradient) for gradient in pullback(2.0)] == [12.0]


def test_vjp_refuses_cotangents_that_do_not_fit() -> None:
    _, pullback = vjp(lambda x: [x * x], constant([1.0, 2.0]))
    with pytest.raises(ShapeError, match=r"cotangent\[0\]"):
        pullback([constant([1.0])])
    with pytest.raises(DTypeError, match="astype"):
        pullback([constant([1.0, 2.0], dtype="float64")])
    with pytest.raises(StructureError, match="another structure"):
        pullback(constant([1.0, 2.0]))


# ---------------------------------------------------------------------- operations of several results, and of none


def test_several_results_where_only_one_is_used() -> None:
    def function(x: Any) -> Any:
        _, right = ops.split(x, sections=2)
        return ops.sum(right * right)

    np.testing.assert_allclose(grad(function)(constant([1.0, 2.0, 3.0, 4.0])).numpy(), [0.0, 0.0, 6.0, 8.0])


def test_an_operation_without_rule_raises_only_where_a_gradient_flows() -> None:
    @primitive(version=1, namespace="test")
    def halve(x: Numeric) -> Numeric:  # noqa: F821 - annotations of operands are read as text
        return x

    try:

        class Halving:
            """Evaluates `halve` as multiplication: no kernel package knows it."""

            parent = None

            def apply(self, operation: Any, operands: Any, attributes: Any) -> Any:
                from dovetail_protocols.dispatch import apply_under

                if operation is halve:
                    return operands[0] * 0.5
                return apply_under(None, operation, operands, attributes)

        from dovetail_protocols.dispatch import interpreting

        with interpreting(Halving()):
            assert float(grad(lambda x: ops.stop_gradient(halve(x)) * x)(constant(3.0))) == 1.5
            with pytest.raises(GradientError) as caught:
                grad(lambda x: halve(x) * x)(constant(3.0))
        assert str(caught.value) == (
            "test::halve has no gradient\n"
            "  where: halve, in the backward pass\n"
            "  expected: a rule declared with gradient_of or vjp_of, or a decomposition\n"
            "  got: a primitive operation without a rule\n"
            "  fix: declare one with dovetail_autodiff.extend.gradient_of(halve), or cut the gradient before it with "
            "stop_gradient"
        )
    finally:
        unregister_operation(halve)


def test_a_complex_gradient_is_the_direction_of_steepest_ascent() -> None:
    """Of |z|² it is 2z."""
    z = constant(3.0 + 4.0j)
    assert complex(grad(lambda z: ops.real(z * ops.conj(z)))(z)) == 6.0 + 8.0j


def test_the_pullback_of_a_holomorphic_function_multiplies_by_its_derivative() -> None:
    [pulled] = vjp(lambda z: z * z, constant(3.0 + 4.0j))[1](constant(1j))
    assert complex(pulled) == 1j * 2 * (3.0 + 4.0j)


# ---------------------------------------------------------------------- refusals


def test_an_integer_argument_is_refused_with_its_name() -> None:
    with pytest.raises(DTypeError) as caught:
        grad(lambda weights: weights["w"])({"w": constant(3)})
    assert str(caught.value) == (
        "can't differentiate with respect to int32\n"
        "  where: argument 'weights'['w']\n"
        "  expected: a floating or complex dtype\n"
        "  got: int32[]\n"
        "  fix: convert it with .astype(...) (for a Python int write 3.0), or leave the argument out of argnums"
    )


def test_an_argument_that_is_no_array_is_refused() -> None:
    with pytest.raises(SignatureError, match="argument 'x'") as caught:
        grad(lambda x: x)("text")
    assert "argnums" in str(caught.value)


def test_a_value_that_is_no_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"must return a scalar\n.*expected: shape \(\)\n.*got: \(2,\)"):
        grad(lambda x: x * x)(constant([1.0, 2.0]))


def test_a_value_that_is_complex_is_refused() -> None:
    with pytest.raises(DTypeError, match="real"):
        grad(lambda x: x * x)(constant(1.0 + 2.0j))


def test_a_container_as_value_is_refused() -> None:
    with pytest.raises(SignatureError, match="has_aux"):
        grad(lambda x: (x * x, x))(constant(1.0))


def test_a_value_that_is_no_array_is_refused() -> None:
    with pytest.raises(SignatureError, match="returned something that is no array"):
        grad(lambda x: object())(constant(1.0))


def test_has_aux_wants_a_pair() -> None:
    with pytest.raises(SignatureError, match="must return \\(value, aux\\)"):
        grad(lambda x: x * x, has_aux=True)(constant(1.0))


@pytest.mark.parametrize("argnums", [1, -2, (0, 0), (0, 5)])
def test_argnums_outside_of_the_call_is_refused(argnums: Any) -> None:
    with pytest.raises(SignatureError, match="argnums doesn't fit the call"):
        grad(cubed, argnums=argnums)(constant(1.0))


def test_a_function_that_raises_leaves_no_tape_in_force() -> None:
    def function(x: Any) -> Any:
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        grad(function)(constant(1.0))
    assert current() is None


# ---------------------------------------------------------------------- edges


def test_empty_and_0d_arrays() -> None:
    assert grad(ops.sum)(constant(np.zeros((0, 3), np.float32))).shape == (0, 3)
    assert grad(lambda x: x)(constant(1.0)).shape == ()


def test_nan_and_infinity_flow() -> None:
    gradient = grad(lambda x: ops.sum(x * x))(constant([np.nan, np.inf, 1.0])).numpy()
    np.testing.assert_array_equal(gradient, [np.nan, np.inf, 2.0])


def test_the_gradient_keeps_the_dtype() -> None:
    for dtype in ("float16", "float32", "float64", "bfloat16"):
        x = constant([1.0, 2.0], dtype=dtype)
        assert grad(cubed)(x).dtype.name == dtype
