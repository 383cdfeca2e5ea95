"""Functions of arrays and small calls in TensorFlow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.drivers.session import CompiledCallSession, EagerSession, Mode, Session
from benchmarks.drivers.tensorflow.models.losses import cross_entropy
from benchmarks.drivers.tensorflow.models.normalization import normalize
from benchmarks.drivers.tensorflow.training import batches
from benchmarks.workloads import rows
from benchmarks.workloads.workload import Array, CompiledCall, EagerCall, Expression

_CALLS_PER_TAPE = 1000


def _elementwise(x: Any, w: Any, b: Any) -> Any:
    return tf.tanh(x * w + b) * tf.sigmoid(x)


def _layer_normalization(x: Any, gamma: Any, beta: Any) -> Any:
    return normalize(x, gamma, beta, rows.EPSILON)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "elementwise": _elementwise,
    "sgemm": tf.matmul,
    "softmax": tf.nn.softmax,
    "layer_normalization": _layer_normalization,
    "cross_entropy": cross_entropy,
}


class ExpressionSession(Session):
    """The value, and the gradients that the workload asks for, in one tf.function."""

    def __init__(self, workload: Expression, mode: Mode, *, jit_compile: bool) -> None:
        super().__init__(batches(workload, mode))
        self._workload = workload
        self._step = tf.function(self._with_gradients, jit_compile=jit_compile)

    def _with_gradients(self, *arrays: Any) -> tuple[Any, ...]:
        evaluate = _FUNCTIONS[self._workload.formula]
        inputs = arrays[:-1] if self._workload.cotangent else arrays
        if not self._workload.differentiated:
            return (evaluate(*inputs),)
        sources = [inputs[position] for position in self._workload.differentiated]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            value = evaluate(*inputs)
        cotangent = arrays[-1] if self._workload.cotangent else None
        return value, *tape.gradient(value, sources, output_gradients=cotangent)

    def step(self, batch: Any) -> Any:
        return self._step(*batch)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result[0], np.float64)

    def evidence(self) -> dict[str, Array]:
        results = self.step(self.batches[0])
        return {name: value.numpy() for name, value in zip(self._workload.results, results, strict=True)}


class AddOneSession(CompiledCallSession):
    """`x + 1` in a tf.function."""

    def __init__(self, workload: CompiledCall, *, jit_compile: bool) -> None:
        super().__init__(tf.function(lambda x: x + 1, jit_compile=jit_compile), tf.constant(workload.operand))

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result, np.float64)


class AddSession(EagerSession):
    """`a + b` outside any function; recorded means under a tape that watches both."""

    def __init__(self, workload: EagerCall) -> None:
        super().__init__([tuple(tf.constant(array) for array in workload.operands)])
        self._recorded = workload.recorded

    def run(self, count: int) -> None:
        first, second = self.batches[0]
        if not self._recorded:
            for _ in range(count):
                _ = first + second
            return
        for start in range(0, count, _CALLS_PER_TAPE):
            with tf.GradientTape() as tape:
                tape.watch((first, second))
                for _ in range(min(_CALLS_PER_TAPE, count - start)):
                    _ = first + second

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result, np.float64)
