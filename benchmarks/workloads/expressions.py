"""Functions of arrays: one long elementwise expression, and matrix products from small to large.

Each is written here once in NumPy: in float64 it is the reference, in float32 it is what NumPy runs.
"""

import numpy as np

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Batch, Expression, Traffic, Work

ELEMENTS = 1 << 24
MATRIX_SIZES = (64, 128, 256, 512, 1024, 2048)


def _elementwise_batch(index: int) -> Batch:
    shared = initial.generator("elementwise scale and offset")
    x = initial.normal(initial.generator("elementwise data", index), ELEMENTS)
    return x, initial.normal(shared, ELEMENTS), initial.normal(shared, ELEMENTS)


def _elementwise(x: Array, w: Array, b: Array) -> tuple[Array, ...]:
    return (np.tanh(x * w + b) / (1 + np.exp(-x)),)


def _sgemm_batch(size: int, index: int) -> Batch:
    random = initial.generator(f"sgemm {size}", index)
    return initial.normal(random, size, size), initial.normal(random, size, size)


def _sgemm(size: int) -> Expression:
    return Expression(
        name=f"sgemm_{size}",
        title=f"sgemm: {size}×{size} by {size}×{size}",
        formula="sgemm",
        batch=lambda index: _sgemm_batch(size, index),
        reference=lambda a, b: (a @ b,),
        work=Work(floating_point_operations=2.0 * size**3),
    )


ELEMENTWISE = Expression(
    name="elementwise",
    title="elementwise: tanh(x*w+b)*sigmoid(x), 16 M elements",
    formula="elementwise",
    batch=_elementwise_batch,
    reference=_elementwise,
    work=Work(traffic=Traffic(ELEMENTS, read=3, written=1)),
)
SGEMMS = tuple(_sgemm(size) for size in MATRIX_SIZES)
