"""Two problems whose gradients have a closed form, on which an optimizer must get somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dovetail_protocols.arrays import provider

from ..cases import SEED, Buffer
from ..numpy_dtypes import numpy_dtype
from .states import buffer_of, wrapped

DESCENT_STEPS = 50
Problem = tuple[list[Buffer], Callable[[list[Buffer]], tuple[float, list[Buffer]]]]


def quadratic() -> Problem:
    """½ Σ a (x - c)², a from 0.5 to 2."""
    scale, center = np.array([0.5, 1.0, 2.0]), np.array([1.0, -2.0, 0.5])

    def loss(values: list[Buffer]) -> tuple[float, list[Buffer]]:
        off = values[0] - center
        return float(0.5 * (scale * off**2).sum()), [scale * off]

    return [np.zeros(3)], loss


def logistic() -> Problem:
    """The mean negative log-likelihood of 20 points of two classes, by weights and a bias."""
    generator = np.random.default_rng(SEED)
    labels = np.arange(20) % 2
    points = generator.normal(size=(20, 2)) + 2.0 * labels[:, None]

    def loss(values: list[Buffer]) -> tuple[float, list[Buffer]]:
        scores = points @ values[0] + values[1]
        off = (1 / (1 + np.exp(-scores)) - labels) / len(labels)
        value = np.mean(np.logaddexp(0, scores) - labels * scores)
        return float(value), [points.T @ off, np.asarray(off.sum())]

    return [np.zeros(2), np.zeros(())], loss


PROBLEMS = {"quadratic": quadratic, "logistic": logistic}


def problems(make: Callable[[], Any], name: str, dtype: str) -> list[str]:
    """Whether the loss is less after some steps than before."""
    starts, loss = PROBLEMS[name]()
    optimizer = make()
    variables = [provider().variable(start.astype(numpy_dtype(dtype)), name=f"v{p}") for p, start in enumerate(starts)]
    first, _ = loss(starts)
    for _ in range(DESCENT_STEPS):
        _, gradients = loss([buffer_of(variable).astype(np.float64) for variable in variables])
        arrays = [wrapped(np.asarray(gradient).astype(numpy_dtype(dtype))) for gradient in gradients]
        optimizer.apply_gradients(zip(arrays, variables, strict=True))
    last, _ = loss([buffer_of(variable).astype(np.float64) for variable in variables])
    if last < first:
        return []
    return [f"{DESCENT_STEPS} steps on the {name} problem in {dtype} took the loss from {first:.6g} to {last:.6g}"]
