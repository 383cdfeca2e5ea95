"""A small convolutional network on 28×28 grey images."""

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Batch, OptimizerSettings, Training, Work

SIZE = 28
BATCH = 64
CLASSES = 10
OPTIMIZER = OptimizerSettings("adam", learning_rate=1e-3)


def _parameters() -> dict[str, Array]:
    random = initial.generator("cnn weights")
    shapes = {
        "convolution_1": (3, 3, 1, 32),
        "convolution_2": (3, 3, 32, 32),
        "convolution_3": (3, 3, 32, 64),
        "dense_1": ((SIZE // 4) ** 2 * 64, 128),
        "dense_2": (128, CLASSES),
    }
    parameters = {}
    for name, shape in shapes.items():
        parameters[f"{name}/kernel"] = initial.kernel(random, *shape)
        parameters[f"{name}/bias"] = initial.bias(random, shape[-1])
    return parameters


def _batch(index: int) -> Batch:
    random = initial.generator("cnn data", index)
    return initial.normal(random, BATCH, SIZE, SIZE, 1), initial.labels(random, CLASSES, BATCH)


def _work() -> Work:
    half, quarter = (SIZE // 2) ** 2, (SIZE // 4) ** 2
    first = SIZE**2 * 9 * 32
    others = SIZE**2 * 9 * 32 * 32 + half * 9 * 32 * 64 + quarter * 64 * 128 + 128 * CLASSES
    weights = 9 * 32 * (1 + 32 + 64) + quarter * 64 * 128 + 128 * CLASSES
    return Work(BATCH * (4 * first + 6 * others), OPTIMIZER.update_traffic(weights))


CNN = Training(
    name="cnn",
    title=f"cnn: conv 1-32-32-pool-64-pool, dense 128-10, batch {BATCH}, 28×28, Adam, training step",
    parameters=_parameters,
    batch=_batch,
    optimizer=OPTIMIZER,
    work=_work(),
    curve_steps=20,
    kinks=True,
)
