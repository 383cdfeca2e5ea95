"""Every optimizer, in each of its forms, passes the suite for optimizers that third parties use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dovetail_functions
import dovetail_optimizers
from dovetail_conformance import optimizer_suite
from dovetail_optimizers import SGD, Adagrad, Adam, AdamW, Lion, Momentum, RMSProp

# The published formulas, as each package's own tests have them for more options.

Array = NDArray[np.float64]
Steps = Iterator[Array]


def sgd(parameter: Array, gradients: list[Array], rate: float, decay: float = 0.0) -> Steps:
    for gradient in gradients:
        parameter = parameter - rate * decay * parameter - rate * gradient
        yield parameter


def momentum(parameter: Array, gradients: list[Array], rate: float, momentum: float, nesterov: bool) -> Steps:
    velocity = np.zeros_like(parameter)
    for gradient in gradients:
        velocity = momentum * velocity - rate * gradient
        parameter = parameter + (momentum * velocity - rate * gradient if nesterov else velocity)
        yield parameter


def rmsprop(parameter: Array, gradients: list[Array], rate: float, rho: float) -> Steps:
    square = np.zeros_like(parameter)
    for gradient in gradients:
        square = rho * square + (1 - rho) * gradient**2
        parameter = parameter - rate * gradient / np.sqrt(square + 1e-7)
        yield parameter


def adam(parameter: Array, gradients: list[Array], rate: float, decay: float = 0.0, amsgrad: bool = False) -> Steps:
    first, second, largest = (np.zeros_like(parameter) for _ in range(3))
    for step, gradient in enumerate(gradients, start=1):
        parameter = parameter - rate * decay * parameter
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        largest = np.maximum(largest, second)
        scale = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        parameter = parameter - scale * first / (np.sqrt(largest if amsgrad else second) + 1e-7)
        yield parameter


def adagrad(parameter: Array, gradients: list[Array], rate: float) -> Steps:
    accumulator = np.zeros_like(parameter)
    for gradient in gradients:
        accumulator = accumulator + gradient**2
        parameter = parameter - rate * gradient / np.sqrt(accumulator + 1e-7)
        yield parameter


def lion(parameter: Array, gradients: list[Array], rate: float) -> Steps:
    first = np.zeros_like(parameter)
    for gradient in gradients:
        parameter = parameter - rate * np.sign(0.9 * first + 0.1 * gradient)
        first = 0.99 * first + 0.01 * gradient
        yield parameter


def suite(make: Callable[..., Any], formula: Any = None, rate: float = 0.01, **options: Any) -> type:
    return optimizer_suite(
        lambda: make(rate),
        formula=formula,
        scheduled=make,
        traced=dovetail_functions.function,
        **options,
    )


TestSGD = suite(SGD, partial(sgd, rate=0.01))
TestSGDWithDecay = suite(partial(SGD, weight_decay=0.03), partial(sgd, rate=0.01, decay=0.03))
TestSGDClippedTogether = suite(partial(SGD, global_clipnorm=0.5), is_separable=False)
TestMomentum = suite(Momentum, partial(momentum, rate=0.01, momentum=0.9, nesterov=False))
TestNesterov = suite(partial(Momentum, nesterov=True), partial(momentum, rate=0.01, momentum=0.9, nesterov=True))
TestRMSProp = suite(partial(RMSProp, rho=0.8), partial(rmsprop, rate=0.01, rho=0.8))
TestRMSPropCentered = suite(partial(RMSProp, momentum=0.5, centered=True, epsilon=1e-3))
TestAdam = suite(Adam, partial(adam, rate=0.01))
TestAdamWithAmsgrad = suite(partial(Adam, amsgrad=True), partial(adam, rate=0.01, amsgrad=True))
TestAdamW = suite(partial(AdamW, weight_decay=0.1), partial(adam, rate=0.01, decay=0.1))
TestAdagrad = suite(Adagrad, partial(adagrad, rate=0.1), rate=0.1)
TestLion = suite(Lion, partial(lion, rate=0.01))


def test_every_public_optimizer_is_tried() -> None:
    public = [getattr(dovetail_optimizers, name) for name in dovetail_optimizers.__all__]
    kinds = {kind.__name__ for kind in public if isinstance(kind, type)} - {"Optimizer"}
    assert {f"Test{name}" for name in kinds} <= set(globals())
