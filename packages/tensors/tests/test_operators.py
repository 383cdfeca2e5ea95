"""Python's operators: every one against NumPy, reflected, with scalars, promotion, and the error paths."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dovetail_tensors as dt
from dovetail_protocols import use_provider
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.errors import DTypeError, ImmutableError, ShapeError
from dovetail_protocols.operations import read_variable
from dovetail_protocols.plugins.policy import use
from dovetail_tensors.provider import PROVIDER

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
UNARY = [operator.neg, operator.pos, operator.abs]

LEFT = np.array([1.5, 2.0, 3.25], np.float32)
RIGHT = np.array([2.0, 0.5, 3.0], np.float32)


@pytest.mark.parametrize("apply", ARITHMETIC + COMPARISONS, ids=lambda f: f.__name__)
def test_two_tensors(apply: Any) -> None:
    expected = apply(LEFT, RIGHT)
    for _ in range(2):  # the first call binds the kernel, the second goes the quick way
        result = apply(dt.constant(LEFT), dt.constant(RIGHT))
        assert result.dtype.name == expected.dtype.name
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("apply", ARITHMETIC + COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("scalar", [2, 0.5, 3.0])
def test_python_numbers_on_both_sides(apply: Any, scalar: float) -> None:
    x = dt.constant(LEFT)
    for _ in range(2):
        np.testing.assert_allclose(apply(x, scalar).numpy(), apply(LEFT, np.float32(scalar)), rtol=1e-6)
        np.testing.assert_allclose(apply(scalar, x).numpy(), apply(np.float32(scalar), LEFT), rtol=1e-6)
        assert apply(x, scalar).dtype in (dt.float32, dt.bool)


@pytest.mark.parametrize("apply", BITS, ids=lambda f: f.__name__)
def test_bits(apply: Any) -> None:
    left, right = np.array([12, 5, 7], np.int32), np.array([1, 3, 2], np.int32)
    for _ in range(2):
        assert apply(dt.constant(left), dt.constant(right)).tolist() == apply(left, right).tolist()
        assert apply(dt.constant(left), 2).tolist() == apply(left, 2).tolist()
        assert apply(2, dt.constant(right)).tolist() == apply(np.int32(2), right).tolist()


@pytest.mark.parametrize("apply", UNARY, ids=lambda f: f.__name__)
def test_unary(apply: Any) -> None:
    for _ in range(2):
        assert apply(dt.constant(LEFT)).tolist() == apply(LEFT).tolist()


def test_invert_round_divmod_matmul() -> None:
    assert (~dt.constant([True, False])).tolist() == [False, True]
    assert (~dt.constant([1, 2])).tolist() == [-2, -3]
    assert round(dt.constant([1.5, 2.5])).tolist() == [2, 2]
    assert round(dt.constant([1.26]), 1).tolist() == pytest.approx([1.3])
    quotient, rest = divmod(dt.constant([7, -7]), 3)
    assert (quotient.tolist(), rest.tolist()) == ([2, -3], [1, 2])
    quotient, rest = divmod(7, dt.constant([2]))
    assert (quotient.tolist(), rest.tolist()) == ([3], [1])
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert (dt.constant(x) @ dt.constant(x.T)).tolist() == (x @ x.T).tolist()


def test_integers_divide_to_the_default_floating_dtype() -> None:
    result = dt.constant([1, 2]) / dt.constant([2, 4])
    assert result.dtype is dt.float32
    assert result.tolist() == [0.5, 0.5]


def test_mixed_kinds_promote_without_float64() -> None:
    assert (dt.constant([1]) + dt.constant([1.0])).dtype is dt.float32
    assert (dt.constant([1]) + 1.0).dtype is dt.float32
    assert (dt.constant([1], "int8") + 1).dtype is dt.int8
    assert (dt.constant([1.0], "float64") + dt.constant([1.0])).dtype is dt.float64


def test_bool_and_number_have_no_common_dtype() -> None:
    with pytest.raises(DTypeError, match="common dtype"):
        dt.constant([True]) + 1
    with pytest.raises(DTypeError, match="doesn't take bool"):
        dt.constant([True]) + dt.constant([True])


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DTypeError, match="300 does not fit uint8"):
        dt.constant([1], "uint8") + 300


def test_shapes_that_do_not_broadcast_are_named_on_both_ways() -> None:
    x, y = dt.zeros((2, 3)), dt.zeros((4,))
    for _ in range(2):
        with pytest.raises(ShapeError, match=r"add: shapes \(2, 3\) and \(4,\) do not broadcast"):
            x + y
        _ = x + x


def test_numpy_leaves_the_operator_to_the_tensor() -> None:
    x = dt.constant(LEFT)
    for result in (RIGHT + x, x + RIGHT, np.float32(2) * x, x * np.float32(2), x > RIGHT):
        assert isinstance(result, dt.Tensor)
    assert (RIGHT - x).tolist() == (RIGHT - LEFT).tolist()
    assert isinstance([1.0, 2.0, 3.0] + x, dt.Tensor)  # noqa: RUF005 - a sum, no concatenation


def test_foreign_objects_get_their_turn() -> None:
    class Reflecting:
        def __radd__(self, other: object) -> str:
            return "mine"

    assert dt.constant([1]) + Reflecting() == "mine"
    with pytest.raises(TypeError, match="unsupported operand"):
        dt.constant([1]) + "text"
    with pytest.raises(TypeError, match="not supported between"):
        assert dt.constant([1]) < None


def test_negative_zero_and_nan_survive_beside_a_tensor() -> None:
    x = dt.constant([0.0])
    assert np.signbit((dt.constant([-0.0]) + -0.0).numpy()).tolist() == [True]
    assert np.signbit((dt.constant([-0.0]) + 0.0).numpy()).tolist() == [False]
    assert np.isnan((x + float("nan")).numpy()).all()


def test_complex_numbers_keep_the_signs_of_their_zeros() -> None:
    x = dt.constant([0j])
    assert np.signbit((x + 1).numpy().imag).tolist() == [False]
    assert np.signbit((dt.constant([complex(0, -0.0)]) + complex(1, -0.0)).numpy().imag).tolist() == [True]


def test_full_tells_zeros_ones_and_their_kinds_apart() -> None:
    assert np.signbit(dt.full((1,), -0.0).numpy()).all()
    assert not np.signbit(dt.full((1,), 0.0).numpy()).any()
    assert [dt.full((1,), value).dtype for value in (1, 1.0, True)] == [dt.int32, dt.float32, dt.bool]


def test_augmented_assignment_makes_another_tensor() -> None:
    x = y = dt.constant([1.0])
    y += 1
    assert (x.tolist(), y.tolist()) == ([1], [2])
    v = dt.Variable([1.0])
    with pytest.raises(ImmutableError, match="assign_add"):
        v += 1


def test_a_policy_other_than_the_default_goes_the_long_way() -> None:
    x = dt.constant(LEFT)
    _ = x + x
    with use("numpy", only=True):
        assert (x + x).tolist() == (LEFT + LEFT).tolist()


class Recorder:
    """An interpreter that notes what it is asked for and evaluates it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def apply(self, operation: Any, operands: tuple[Any, ...], attributes: Any) -> Any:
        self.seen.append(operation.short_name)
        with interpreting(None):
            return operation(*operands, **attributes)


def test_every_operator_passes_through_an_interpreter() -> None:
    x, v = dt.constant(LEFT), dt.Variable(RIGHT)
    recorder = Recorder()
    with interpreting(recorder):
        results = [x + x, x + 2.0, 2.0 - x, -x, x + v, v * x, x[0], RIGHT + x, x < x]
    assert recorder.seen.count("add") == 4
    for name in ("subtract", "negative", "multiply", "less", "slice", "read_variable"):
        assert name in recorder.seen
    assert results[4].tolist() == (LEFT + RIGHT).tolist()
    assert read_variable.short_name == "read_variable"


floats = hnp.arrays(
    np.float32, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-100, 100, width=32, allow_subnormal=False)
)


@given(data=st.data())
def test_broadcasting_is_numpys(data: st.DataObject) -> None:
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4, min_side=0))
    left, right = (np.ones(shape, np.float32) for shape in shapes.input_shapes)
    result = dt.constant(left) + dt.constant(right)
    assert result.shape == shapes.result_shape == np.broadcast_shapes(left.shape, right.shape)


@given(x=floats)
def test_algebra(x: Any) -> None:
    t = dt.constant(x)
    assert ((t + t) == 2 * t).all()
    assert ((t - t) == 0).all()
    assert (-(-t) == t).all()  # noqa: B002 - twice negated
    assert (abs(t) >= t).all()


STANDARD = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float32", "float64"]


@given(first=st.sampled_from(STANDARD[1:]), second=st.sampled_from(STANDARD[1:]))
def test_promotion_agrees_with_numpy_where_the_standard_defines_it(first: str, second: str) -> None:
    result = dt.constant([1], first) + dt.constant([1], second)
    kinds = {np.dtype(name).kind for name in (first, second)}
    if "f" in kinds and kinds & {"i", "u"}:
        assert result.dtype.name == (first if np.dtype(first).kind == "f" else second)
    else:
        assert result.dtype.name == np.promote_types(first, second).name


class Stepwise:
    """The provider without the ability to take a call as a whole."""

    evaluate, convert, is_array = PROVIDER.evaluate, PROVIDER.convert, PROVIDER.is_array


def test_a_provider_may_lack_whole_calls() -> None:
    before = use_provider(Stepwise())  # type: ignore[arg-type]  # the members that a call needs
    try:
        assert dt.add(dt.constant(1), 2).item() == 3
        assert dt.sum(dt.constant([1, 2]), axis=0).item() == 3
    finally:
        use_provider(before)


def test_use_provider_gives_the_calls_back() -> None:
    before = use_provider(None)
    try:
        assert dt.add(dt.constant(1), 2).item() == 3
    finally:
        use_provider(before)
