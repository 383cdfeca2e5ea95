"""Optimizer updates against their formulas in float64, over several steps; destinations; what the kernels leave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_kernels_numpy import optimizer_updates
from dovetail_kernels_numpy.declaration import SPECS
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.kernels import CallMeta, Unsupported
from dovetail_protocols.operation import Operation

Array = np.ndarray[Any, Any]
SHAPE = (3, 5)
RATE = 0.05


class Sgd:
    operation, options, accumulators = ops.sgd_update, {}, ()

    def step(self, p: Array, g: Array, t: int, decay: float) -> Array:
        return p - RATE * decay * p - RATE * g


class Momentum:
    operation, options, accumulators = ops.momentum_update, {"momentum": 0.8}, ("velocity",)
    v: Any = 0.0

    def step(self, p: Array, g: Array, t: int, decay: float) -> Array:
        self.v = 0.8 * self.v - RATE * g
        return p * (1 - RATE * decay) + self.v


class Nesterov(Momentum):
    operation, options, accumulators = ops.momentum_update, {"momentum": 0.8, "nesterov": True}, ("velocity",)

    def step(self, p: Array, g: Array, t: int, decay: float) -> Array:
        self.v = 0.8 * self.v - RATE * g
        return p * (1 - RATE * decay) + 0.8 * self.v - RATE * g


class Adagrad:
    operation, options, accumulators = ops.adagrad_update, {"epsilon": 1e-3}, ("accumulator",)
    a: Any = 0.0

    def step(self, p: Array, g: Array, t: int, decay: float) -> Array:
        self.a = self.a + g**2
        return p * (1 - RATE * decay) - RATE * g / np.sqrt(self.a + 1e-3)


class Rmsprop:
    operation, options, accumulators = ops.rmsprop_update, {"rho": 0.7, "epsilon": 1e-3}, ("mean_square",)
    square: Any = 0.0
    mean: Any = 0.0
    v: Any = 0.0
    centered, momentum = False, 0.0

    def step(self, p: Array, g: Array, t: int, decay: float) -> Array:
        self.square = 0.7 * self.square + 0.3 * g**2
        self.mean = 0.7 * self.mean + 0.3 * g if self.centered else 0.0
        self.v = self.momentum * self.v + RATE * g / np.sqrt(self.square - self.mean**2 + 1e-3)
        return p * (1 - RATE * decay) - self.v


class RmspropWithMomentum(Rmsprop):
    options, momentum = {"rho": 0.7, "epsilon": 1e-3, "momentum": 0.6}, 0.6
    accumulators = ("mean_square", "velocity")


class RmspropCentered(RmspropWithMomentum):
    centered, accumulators = True, ("mean_square", "velocity", "mean_gradient")


class Adam:
    operation, options = ops.adam_update, {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}
    accumulators: tuple[str, ...] = ("first_moment", "second_moment")
    m: Any = 0.0
    v: Any = 0.0
    largest: Any = 0.0

    def step(self, p: Array, g: Array, t: int, decay: float) -> Array:
        self.m = 0.8 * self.m + 0.2 * g
        self.v = 0.95 * self.v + 0.05 * g**2
        self.largest = np.maximum(self.largest, self.v) if len(self.accumulators) == 3 else self.v
        corrected = RATE * np.sqrt(1 - 0.95**t) / (1 - 0.8**t)
        return p * (1 - RATE * decay) - corrected * self.m / (np.sqrt(self.largest) + 1e-3)


class Amsgrad(Adam):
    accumulators = ("first_moment", "second_moment", "largest_second_moment")


class Lion:
    operation, options, accumulators = ops.lion_update, {"beta_1": 0.8, "beta_2": 0.9}, ("first_moment",)
    m: Any = 0.0

    def step(self, p: Array, g: Array, t: int, decay: float) -> Array:
        change = RATE * np.sign(0.8 * self.m + 0.2 * g)
        self.m = 0.9 * self.m + 0.1 * g
        return p * (1 - RATE * decay) - change


KINDS = [Sgd, Momentum, Nesterov, Adagrad, Rmsprop, RmspropWithMomentum, RmspropCentered, Adam, Amsgrad, Lion]


def operands_of(operation: Operation, param: Any, grad: Any, state: dict[str, Any], step: Any, rate: Any) -> list[Any]:
    known = {"param": param, "grad": grad, "step": step, "learning_rate": rate, **state}
    return [known.get(operand.name) for operand in operation.operands]


def run_steps(kind: Any, apply: Any, dtype: Any, decay: float, count: int = 4) -> tuple[Array, Array]:
    """Parameters after some steps: by the operation, and by the formula."""
    random, oracle = np.random.default_rng(19), kind()
    expected = random.normal(size=SHAPE).astype(dtype)
    param, expected = provider().convert(expected), expected.astype(np.float64)
    state = {name: provider().convert(np.zeros(SHAPE, dtype)) for name in kind.accumulators}
    for t in range(1, count + 1):
        grad = random.normal(size=SHAPE).astype(dtype)
        given = operands_of(kind.operation, param, provider().convert(grad), state, t, np.asarray(RATE, dtype))
        results = apply(kind.operation, given, {**kind.options, "weight_decay": decay})
        param, *accumulators = results if isinstance(results, tuple) else (results,)
        state = dict(zip(kind.accumulators, accumulators, strict=True))
        expected = oracle.step(expected, grad.astype(np.float64), t, decay)
    return np.asarray(param), expected


def call_kernel(operation: Operation, operands: list[Any], attributes: dict[str, Any]) -> Any:
    return operation(*operands, **attributes)


def decompose(operation: Operation, operands: list[Any], attributes: dict[str, Any]) -> Any:
    bound, complete = operation.bind(tuple(operands), attributes)
    return operation.decompose(*bound, **complete)


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("apply", [call_kernel, decompose])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_follow_the_formula(kind: Any, apply: Any, decay: float) -> None:
    result, expected = run_steps(kind, apply, np.float64, decay)
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_keeps_its_dtype_and_precision(kind: Any) -> None:
    result, expected = run_steps(kind, call_kernel, np.float32, 0.1)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_and_strides_do_not_show(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = run_steps(kind, call_kernel, np.float64, 0.1)
    monkeypatch.setattr(optimizer_updates, "BLOCK", 4)
    blocks, _ = run_steps(kind, call_kernel, np.float64, 0.1)
    np.testing.assert_array_equal(blocks, whole)
    np.testing.assert_array_equal(run_steps(kind, call_with_columns, np.float64, 0.1)[0], whole)


def call_with_columns(operation: Operation, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """With arrays whose columns are contiguous, not their rows."""
    given = (one if one is None or np.ndim(one) < 2 else np.asfortranarray(one) for one in operands)
    return operation(*given, **attributes)


def bound(kind: Any, dtypes: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The kernel for operands of given dtypes, and operands."""
    operation = kind.operation
    random = np.random.default_rng(23)
    known = {"step": np.asarray(2), "learning_rate": np.asarray(RATE, dtypes.get("learning_rate", np.float64))}
    arrays = [
        known[operand.name]
        if operand.name in known
        else random.random(SHAPE).astype(dtypes.get(operand.name, np.float64))
        if operand.name in ("param", "grad", *kind.accumulators)
        else None
        for operand in operation.operands
    ]
    metas = tuple(None if array is None else provider().convert(array).meta for array in arrays)
    attributes = operation._defaults | kind.options
    results = operation.infer(metas, attributes)
    call = CallMeta(operation, metas, attributes, results if isinstance(results, tuple) else (results,))
    (spec,) = (spec for spec in SPECS if spec.operation == operation.name)
    return getattr(optimizer_updates, spec.implementation.partition(":")[2])(call), arrays


@pytest.mark.parametrize("kind", KINDS)
def test_results_go_into_given_arrays(kind: Any) -> None:
    kernel, arrays = bound(kind, {})
    before = [None if array is None else array.copy() for array in arrays]
    expected = kernel(*arrays)
    expected = expected if isinstance(expected, tuple) else (expected,)
    outputs = [np.full(SHAPE, np.nan) for _ in expected]
    kernel.into(outputs, arrays)
    for output, result in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output, result)
    for array, copy in zip(arrays, before, strict=True):
        assert array is None or (array == copy).all(), "an input was written"


def test_mixed_dtypes_are_left_to_the_decomposition() -> None:
    kernel, _ = bound(Adam, {"param": np.float32, "grad": np.float32})
    assert isinstance(kernel, Unsupported)
    convert = provider().convert
    param = ops.cast(convert(np.ones(3)), dtype="bfloat16")
    moments = convert(np.zeros(3, np.float32)), convert(np.zeros(3, np.float32))
    new, first, second = ops.adam_update(param, param, *moments, 1, RATE)
    assert (new.dtype.name, first.dtype.name, second.dtype.name) == ("bfloat16", "float32", "float32")
    np.testing.assert_allclose(np.asarray(ops.cast(new, dtype="float32")), 1 - RATE, rtol=2**-8)


def test_the_learning_rate_does_not_widen_the_parameter() -> None:
    convert = provider().convert
    param = convert(np.ones(3, np.float32))
    assert ops.sgd_update(param, param, convert(np.float64(0.1))).dtype.name == "float32"


def test_the_first_step_of_adam_in_float32_is_the_learning_rate() -> None:
    """1 - beta_2 = 1e-6 would lose all but one digit if it were computed as 1 - 0.999999 in float32."""
    convert = provider().convert
    param, grad = convert(np.zeros(1, np.float32)), convert(np.ones(1, np.float32))
    operands = (param, grad, param, param, convert(1), convert(np.float32(0.1)))
    for apply in (call_kernel, decompose):
        new, *_ = apply(ops.adam_update, operands, {"beta_2": 0.999999, "epsilon": 0.0})
        np.testing.assert_allclose(np.asarray(new), [-0.1], rtol=1e-5)
