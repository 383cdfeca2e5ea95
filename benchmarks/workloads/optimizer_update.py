"""AdamW alone, over ten matrices of about a million parameters each."""

import math
from collections.abc import Iterable

import numpy as np

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Arrays, Batch, OptimizerSettings, Update, Work

MATRICES = 10
SIZE = 1000
OPTIMIZER = OptimizerSettings("adamw", learning_rate=1e-3)


def _parameters() -> dict[str, Array]:
    random = initial.generator("adamw weights")
    return {f"matrices/{index}": initial.kernel(random, SIZE, SIZE) for index in range(MATRICES)}


def _gradients(index: int) -> Batch:
    random = initial.generator("adamw gradients", index)
    return tuple(initial.normal(random, SIZE, SIZE) for _ in range(MATRICES))


def adamw_in_place(
    values: Array, first: Array, second: Array, gradient: Array, step: int, settings: OptimizerSettings
) -> None:
    """Update a parameter and its two moments in place, in their dtype; `step` counts from 1.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, algorithm 2, schedule multiplier 1.
    """
    first *= settings.beta_1
    first += (1 - settings.beta_1) * gradient
    second *= settings.beta_2
    second += (1 - settings.beta_2) * gradient * gradient
    denominator = np.sqrt(second)
    denominator /= math.sqrt(1 - settings.beta_2**step)
    denominator += settings.epsilon
    values *= 1 - settings.learning_rate * settings.weight_decay
    values -= settings.learning_rate / (1 - settings.beta_1**step) * first / denominator


def reference(workload: Update) -> Arrays:
    """The parameters after `workload.compared_steps` steps in float64."""
    values = {name: array.astype(np.float64) for name, array in workload.parameters().items()}
    state = [(array, np.zeros_like(array), np.zeros_like(array)) for array in values.values()]
    for step in range(1, workload.compared_steps + 1):
        gradients: Iterable[Array] = workload.batch((step - 1) % workload.batch_count)
        for (parameter, first, second), gradient in zip(state, gradients, strict=True):
            adamw_in_place(parameter, first, second, gradient.astype(np.float64), step, workload.optimizer)
    return values


ADAMW = Update(
    name="adamw",
    title="AdamW: update of 10 M parameters",
    parameters=_parameters,
    batch=_gradients,
    optimizer=OPTIMIZER,
    work=Work(traffic=OPTIMIZER.update_traffic(MATRICES * SIZE * SIZE)),
)
