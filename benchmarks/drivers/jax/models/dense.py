"""Perceptrons."""

import jax
from jax import Array

from benchmarks.drivers.jax.models.losses import cross_entropy


def loss(parameters: dict[str, Array], x: Array, labels: Array) -> tuple[Array, dict[str, Array]]:
    """The mean cross-entropy."""
    count = len(parameters) // 2
    for index in range(count):
        x = x @ parameters[f"layers/{index}/kernel"] + parameters[f"layers/{index}/bias"]
        if index < count - 1:
            x = jax.nn.relu(x)
    return cross_entropy(x, labels), {}
