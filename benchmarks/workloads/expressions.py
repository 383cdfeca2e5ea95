"""Functions of arrays: one long elementwise expression, one matrix product, and rows forward and backward.

Each is written here once in NumPy: in float64 it is the reference, in float32 it is what NumPy runs.
"""

import math

import numpy as np

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Batch, Expression, Work

ELEMENTS = 1 << 24
MATRIX_SIZE = 2048
ROWS = 8192
COLUMNS = 1024
EPSILON = 1e-5
_ROW_BYTES = 4 * ROWS * COLUMNS


def _elementwise_batch(index: int) -> Batch:
    shared = initial.generator("elementwise scale and offset")
    x = initial.normal(initial.generator("elementwise data", index), ELEMENTS)
    return x, initial.normal(shared, ELEMENTS), initial.normal(shared, ELEMENTS)


def _elementwise(x: Array, w: Array, b: Array) -> tuple[Array, ...]:
    return (np.tanh(x * w + b) / (1 + np.exp(-x)),)


def _sgemm_batch(index: int) -> Batch:
    random = initial.generator("sgemm", index)
    return initial.normal(random, MATRIX_SIZE, MATRIX_SIZE), initial.normal(random, MATRIX_SIZE, MATRIX_SIZE)


def _rows_batch(index: int) -> Batch:
    random = initial.generator("rows", index)
    return initial.normal(random, ROWS, COLUMNS), initial.normal(random, ROWS, COLUMNS)


def _softmax(x: Array, cotangent: Array) -> tuple[Array, ...]:
    numerator = np.exp(x - x.max(axis=-1, keepdims=True))
    y = numerator / numerator.sum(axis=-1, keepdims=True)
    return y, y * (cotangent - (cotangent * y).sum(axis=-1, keepdims=True))


def _layer_normalization_batch(index: int) -> Batch:
    random = initial.generator("layer normalization")
    x, cotangent = _rows_batch(index)
    return x, initial.scale(random, COLUMNS), initial.bias(random, COLUMNS), cotangent


def _layer_normalization(x: Array, gamma: Array, beta: Array, cotangent: Array) -> tuple[Array, ...]:
    centered = x - x.mean(axis=-1, keepdims=True)
    reciprocal = 1 / np.sqrt((centered * centered).mean(axis=-1, keepdims=True) + EPSILON)
    normalized = centered * reciprocal
    inner = cotangent * gamma
    correction = inner.mean(axis=-1, keepdims=True) + normalized * (inner * normalized).mean(axis=-1, keepdims=True)
    return (
        normalized * gamma + beta,
        reciprocal * (inner - correction),
        (cotangent * normalized).sum(axis=0),
        cotangent.sum(axis=0),
    )


def _cross_entropy_batch(index: int) -> Batch:
    random = initial.generator("cross-entropy", index)
    return initial.normal(random, ROWS, COLUMNS), initial.labels(random, COLUMNS, ROWS)


def _cross_entropy(logits: Array, labels: Array) -> tuple[Array, ...]:
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=-1, keepdims=True)
    numerator = np.exp(shifted)
    total = numerator.sum(axis=-1)
    gradient = numerator / total[:, None]
    gradient[rows, labels] -= 1
    return np.mean(np.log(total) - shifted[rows, labels]), gradient / len(labels)


def _rows_title(name: str) -> str:
    return f"{name}, {ROWS} rows of {COLUMNS}, forward and backward"


ELEMENTWISE = Expression(
    name="elementwise",
    title="elementwise: tanh(x*w+b)*sigmoid(x), 16 M elements",
    batch=_elementwise_batch,
    reference=_elementwise,
    work=Work(memory_bytes=4 * 4 * ELEMENTS),
)
SGEMM = Expression(
    name="sgemm",
    title=f"sgemm: {MATRIX_SIZE}×{MATRIX_SIZE} by {MATRIX_SIZE}×{MATRIX_SIZE}",
    batch=_sgemm_batch,
    reference=lambda a, b: (a @ b,),
    work=Work(floating_point_operations=2 * math.pow(MATRIX_SIZE, 3)),
)
SOFTMAX = Expression(
    name="softmax",
    title=_rows_title("softmax"),
    batch=_rows_batch,
    reference=_softmax,
    results=("y", "x_gradient"),
    differentiated=(0,),
    cotangent=True,
    work=Work(memory_bytes=4 * _ROW_BYTES),
)
LAYER_NORMALIZATION = Expression(
    name="layer_normalization",
    title=_rows_title("layer normalization"),
    batch=_layer_normalization_batch,
    reference=_layer_normalization,
    results=("y", "x_gradient", "gamma_gradient", "beta_gradient"),
    differentiated=(0, 1, 2),
    cotangent=True,
    work=Work(memory_bytes=4 * _ROW_BYTES),
)
CROSS_ENTROPY = Expression(
    name="cross_entropy",
    title=_rows_title("sparse softmax cross-entropy"),
    batch=_cross_entropy_batch,
    reference=_cross_entropy,
    results=("loss", "logits_gradient"),
    differentiated=(0,),
    work=Work(memory_bytes=2 * _ROW_BYTES),
)
