"""Every optimizer, step by step, against its published formula in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dovetail_optimizers import SGD, Adagrad, Adam, AdamW, Lion, Momentum, Optimizer, RMSProp
from dovetail_tensors import Variable, constant

# The published formulas, in NumPy with float64: oracles that share nothing with the package.

Array = NDArray[np.float64]
Steps = Iterator[Array]


def sgd(parameter: Array, gradients: list[Array], rate: float, weight_decay: float = 0.0) -> Steps:
    for gradient in gradients:
        parameter = parameter - rate * weight_decay * parameter - rate * gradient
        yield parameter


def momentum(parameter: Array, gradients: list[Array], rate: float, momentum: float, nesterov: bool) -> Steps:
    velocity = np.zeros_like(parameter)
    for gradient in gradients:
        velocity = momentum * velocity - rate * gradient
        parameter = parameter + (momentum * velocity - rate * gradient if nesterov else velocity)
        yield parameter


def rmsprop(
    parameter: Array, gradients: list[Array], rate: float, rho: float, momentum: float, epsilon: float, centered: bool
) -> Steps:
    square, mean, velocity = np.zeros_like(parameter), np.zeros_like(parameter), np.zeros_like(parameter)
    for gradient in gradients:
        square = rho * square + (1 - rho) * gradient**2
        mean = rho * mean + (1 - rho) * gradient
        spread = square - mean**2 if centered else square
        increment = rate * gradient / np.sqrt(spread + epsilon)
        velocity = momentum * velocity + increment
        parameter = parameter - velocity
        yield parameter


def adam(
    parameter: Array,
    gradients: list[Array],
    rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
) -> Steps:
    first, second, largest = (np.zeros_like(parameter) for _ in range(3))
    for step, gradient in enumerate(gradients, start=1):
        parameter = parameter - rate * weight_decay * parameter
        first = beta_1 * first + (1 - beta_1) * gradient
        second = beta_2 * second + (1 - beta_2) * gradient**2
        largest = np.maximum(largest, second)
        scale = rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        parameter = parameter - scale * first / (np.sqrt(largest if amsgrad else second) + epsilon)
        yield parameter


def adagrad(parameter: Array, gradients: list[Array], rate: float, epsilon: float) -> Steps:
    accumulator = np.zeros_like(parameter)
    for gradient in gradients:
        accumulator = accumulator + gradient**2
        parameter = parameter - rate * gradient / np.sqrt(accumulator + epsilon)
        yield parameter


def lion(parameter: Array, gradients: list[Array], rate: float, beta_1: float, beta_2: float) -> Steps:
    first = np.zeros_like(parameter)
    for gradient in gradients:
        parameter = parameter - rate * np.sign(beta_1 * first + (1 - beta_1) * gradient)
        first = beta_2 * first + (1 - beta_2) * gradient
        yield parameter


Formula = Callable[[Array, list[Array]], Steps]

CASES: dict[str, tuple[Any, Formula]] = {
    "sgd": (lambda: SGD(0.1), partial(sgd, rate=0.1)),
    "sgd with weight decay": (lambda: SGD(0.1, weight_decay=0.03), partial(sgd, rate=0.1, weight_decay=0.03)),
    "momentum": (lambda: Momentum(0.1, 0.8), partial(momentum, rate=0.1, momentum=0.8, nesterov=False)),
    "nesterov": (lambda: Momentum(0.1, 0.8, nesterov=True), partial(momentum, rate=0.1, momentum=0.8, nesterov=True)),
    "rmsprop": (
        lambda: RMSProp(0.01, 0.8),
        partial(rmsprop, rate=0.01, rho=0.8, momentum=0.0, epsilon=1e-7, centered=False),
    ),
    "rmsprop centered with momentum": (
        lambda: RMSProp(0.01, 0.8, momentum=0.5, centered=True, epsilon=1e-3),
        partial(rmsprop, rate=0.01, rho=0.8, momentum=0.5, epsilon=1e-3, centered=True),
    ),
    "adam": (lambda: Adam(0.01), partial(adam, rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-7)),
    "adam with amsgrad": (
        lambda: Adam(0.01, 0.8, 0.6, 1e-4, amsgrad=True),
        partial(adam, rate=0.01, beta_1=0.8, beta_2=0.6, epsilon=1e-4, amsgrad=True),
    ),
    "adamw": (
        lambda: AdamW(0.01, 0.1),
        partial(adam, rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=0.1),
    ),
    "adagrad": (lambda: Adagrad(0.1, epsilon=1e-5), partial(adagrad, rate=0.1, epsilon=1e-5)),
    "lion": (lambda: Lion(0.01), partial(lion, rate=0.01, beta_1=0.9, beta_2=0.99)),
}

STEPS = 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_each_step_follows_the_published_formula(name: str, dtype: str) -> None:
    make, formula = CASES[name]
    random = np.random.default_rng(0)
    start = random.normal(size=(3, 4))
    gradients = [random.normal(size=(3, 4)) for _ in range(STEPS)]
    variable = Variable(start.astype(dtype))
    optimizer: Optimizer = make()
    # Rounding grows by a few ulp a step; the learning rate is a float32 variable in both cases, which bounds both.
    tolerance = 5e-6 if dtype == "float32" else 1e-7
    for gradient, expected in zip(gradients, formula(start, gradients), strict=True):
        optimizer.apply_gradients([(constant(gradient.astype(dtype)), variable)])
        np.testing.assert_allclose(variable.payload, expected, rtol=tolerance, atol=tolerance)
    assert int(optimizer.iterations.payload) == STEPS
    assert variable.payload.dtype == dtype


def test_slots_are_variables_one_set_for_each_in_order() -> None:
    optimizer = Adam()
    optimizer.build([Variable([1.0, 2.0], name="a"), Variable([[1.0]], name="b")])
    names = [variable.name for variable in optimizer.variables]
    assert names == [
        *("iterations", "learning_rate"),
        *("a/first_moment", "a/second_moment", "b/first_moment", "b/second_moment"),
    ]
    assert set(optimizer.checkpoint_state()) == {
        *("iterations", "learning_rate", "slots/0/first_moment", "slots/0/second_moment"),
        *("slots/1/first_moment", "slots/1/second_moment"),
    }
