"""The optimizers as pure functions, so that nothing but JAX itself is needed."""

import jax.numpy as jnp
from jax import Array

from benchmarks.workloads.workload import OptimizerSettings

Parameters = dict[str, Array]
Slots = dict[str, tuple[Array, ...]]


def initial_slots(trained: Parameters, settings: OptimizerSettings) -> Slots:
    """Zeros: the optimizer's memory for each parameter."""
    count = settings.slots
    return {name: tuple(jnp.zeros_like(value) for _ in range(count)) for name, value in trained.items()}


def update(
    trained: Parameters, gradients: Parameters, slots: Slots, step: Array, settings: OptimizerSettings
) -> tuple[Parameters, Slots]:
    """Parameters and slots after one step; `step` counts from 1."""
    results = {
        name: _update_one(value, gradients[name], slots[name], step, settings) for name, value in trained.items()
    }
    return {name: result[0] for name, result in results.items()}, {name: result[1] for name, result in results.items()}


def _update_one(
    value: Array, gradient: Array, slots: tuple[Array, ...], step: Array, settings: OptimizerSettings
) -> tuple[Array, tuple[Array, ...]]:
    rate = settings.learning_rate
    if settings.kind == "sgd":
        return value - rate * gradient, ()
    if settings.kind == "momentum":
        velocity = settings.momentum * slots[0] + gradient
        return value - rate * velocity, (velocity,)
    first = settings.beta_1 * slots[0] + (1 - settings.beta_1) * gradient
    second = settings.beta_2 * slots[1] + (1 - settings.beta_2) * gradient * gradient
    count = step.astype(value.dtype)
    denominator = jnp.sqrt(second) / jnp.sqrt(1 - settings.beta_2**count) + settings.epsilon
    if settings.kind == "adamw":
        value = value * (1 - rate * settings.weight_decay)
    return value - rate / (1 - settings.beta_1**count) * first / denominator, (first, second)
