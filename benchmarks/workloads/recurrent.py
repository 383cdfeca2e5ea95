"""An LSTM that classifies sequences by its last output. Gates lie in Keras's order: input, forget, cell, output."""

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Batch, OptimizerSettings, Training, Work

FEATURES = 64
UNITS = 128
LENGTH = 50
BATCH = 32
CLASSES = 10
OPTIMIZER = OptimizerSettings("adam", learning_rate=1e-3)


def _parameters() -> dict[str, Array]:
    random = initial.generator("lstm weights")
    return {
        "lstm/kernel": initial.kernel(random, FEATURES, 4 * UNITS, gain=1.0),
        "lstm/recurrent_kernel": initial.kernel(random, UNITS, 4 * UNITS, gain=1.0),
        "lstm/bias": initial.bias(random, 4 * UNITS),
        "dense/kernel": initial.kernel(random, UNITS, CLASSES),
        "dense/bias": initial.bias(random, CLASSES),
    }


def _batch(index: int) -> Batch:
    random = initial.generator("lstm data", index)
    return initial.normal(random, BATCH, LENGTH, FEATURES), initial.labels(random, CLASSES, BATCH)


def _work() -> Work:
    inner, data = UNITS * 4 * UNITS, FEATURES * 4 * UNITS
    products = BATCH * (LENGTH * (6 * inner + 4 * data) + 6 * UNITS * CLASSES)
    return Work(products, OPTIMIZER.update_traffic(inner + data))


LSTM = Training(
    name="lstm",
    title=f"lstm: {FEATURES}→{UNITS}, T {LENGTH}, batch {BATCH}, Adam, training step",
    parameters=_parameters,
    batch=_batch,
    optimizer=OPTIMIZER,
    work=_work(),
    curve_steps=100,
)
