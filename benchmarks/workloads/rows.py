"""Softmax, layer normalization and cross-entropy of rows, forward and backward, with short and long rows.

All lengths have the same number of elements. The NumPy forms are the references, and what NumPy runs.
"""

import numpy as np

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Batch, Expression, Traffic, Work

ELEMENTS = 1 << 23
LENGTHS = (1024, 4096, 8192)
EPSILON = 1e-5


def _pair(length: int, index: int) -> Batch:
    random = initial.generator("rows", index)
    rows = ELEMENTS // length
    return initial.normal(random, rows, length), initial.normal(random, rows, length)


def _softmax(x: Array, cotangent: Array) -> tuple[Array, ...]:
    numerator = np.exp(x - x.max(axis=-1, keepdims=True))
    y = numerator / numerator.sum(axis=-1, keepdims=True)
    return y, y * (cotangent - (cotangent * y).sum(axis=-1, keepdims=True))


def _layer_normalization_batch(length: int, index: int) -> Batch:
    random = initial.generator("layer normalization")
    x, cotangent = _pair(length, index)
    return x, initial.scale(random, length), initial.bias(random, length), cotangent


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


def _cross_entropy_batch(length: int, index: int) -> Batch:
    random = initial.generator("cross-entropy", index)
    rows = ELEMENTS // length
    return initial.normal(random, rows, length), initial.labels(random, length, rows)


def _cross_entropy(logits: Array, labels: Array) -> tuple[Array, ...]:
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=-1, keepdims=True)
    numerator = np.exp(shifted)
    total = numerator.sum(axis=-1)
    gradient = numerator / total[:, None]
    gradient[rows, labels] -= 1
    return np.mean(np.log(total) - shifted[rows, labels]), gradient / len(labels)


def _title(name: str, length: int) -> str:
    return f"{name}, {ELEMENTS // length} rows of {length}, forward and backward"


def _softmax_of(length: int) -> Expression:
    return Expression(
        name=f"softmax_{length}",
        title=_title("softmax", length),
        formula="softmax",
        batch=lambda index: _pair(length, index),
        reference=_softmax,
        results=("y", "x_gradient"),
        differentiated=(0,),
        cotangent=True,
        work=Work(traffic=Traffic(ELEMENTS, read=2, written=2)),
    )


def _layer_normalization_of(length: int) -> Expression:
    return Expression(
        name=f"layer_normalization_{length}",
        title=_title("layer normalization", length),
        formula="layer_normalization",
        batch=lambda index: _layer_normalization_batch(length, index),
        reference=_layer_normalization,
        results=("y", "x_gradient", "gamma_gradient", "beta_gradient"),
        differentiated=(0, 1, 2),
        cotangent=True,
        work=Work(traffic=Traffic(ELEMENTS, read=2, written=2)),
    )


def _cross_entropy_of(length: int) -> Expression:
    return Expression(
        name=f"cross_entropy_{length}",
        title=_title("sparse softmax cross-entropy", length),
        formula="cross_entropy",
        batch=lambda index: _cross_entropy_batch(length, index),
        reference=_cross_entropy,
        results=("loss", "logits_gradient"),
        differentiated=(0,),
        work=Work(traffic=Traffic(ELEMENTS, read=1, written=1)),
    )


ROWS = tuple(make(length) for make in (_softmax_of, _layer_normalization_of, _cross_entropy_of) for length in LENGTHS)
