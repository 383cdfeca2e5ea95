"""Two perceptrons: one so small that only overhead counts, one of ordinary size."""

import itertools

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Batch, OptimizerSettings, Training, Work

TINY_WIDTHS = (64, 32, 10)
TINY_BATCH = 32
MLP_WIDTHS = (784, 512, 512, 10)
MLP_BATCH = 128


def _parameters(name: str, widths: tuple[int, ...]) -> dict[str, Array]:
    random = initial.generator(f"{name} weights")
    parameters = {}
    for index, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        parameters[f"layers/{index}/kernel"] = initial.kernel(random, inputs, outputs)
        parameters[f"layers/{index}/bias"] = initial.bias(random, outputs)
    return parameters


def _batch(name: str, size: int, widths: tuple[int, ...], index: int) -> Batch:
    random = initial.generator(f"{name} data", index)
    return initial.normal(random, size, widths[0]), initial.labels(random, widths[-1], size)


def _work(size: int, widths: tuple[int, ...], optimizer: OptimizerSettings) -> Work:
    weights = [inputs * outputs for inputs, outputs in itertools.pairwise(widths)]
    products = 6 * size * sum(weights) - 2 * size * weights[0]  # no gradient of the data is needed
    return Work(products, optimizer.update_traffic(sum(weights)))


def _training(name: str, title: str, size: int, widths: tuple[int, ...], optimizer: OptimizerSettings) -> Training:
    return Training(
        name=name,
        title=title,
        parameters=lambda: _parameters(name, widths),
        batch=lambda index: _batch(name, size, widths, index),
        optimizer=optimizer,
        work=_work(size, widths, optimizer),
        curve_steps=200,
    )


TINY = _training(
    "tiny",
    f"tiny: dense 64-32-10, batch {TINY_BATCH}, SGD, training step",
    TINY_BATCH,
    TINY_WIDTHS,
    OptimizerSettings("sgd", learning_rate=0.05),
)
MLP = _training(
    "mlp",
    f"mlp: dense 784-512-512-10, batch {MLP_BATCH}, Adam, training step",
    MLP_BATCH,
    MLP_WIDTHS,
    OptimizerSettings("adam", learning_rate=1e-3),
)
