"""Functions of arrays and small calls in Dovetail."""

from collections.abc import Callable
from typing import Any

import numpy as np

import dovetail as dt
from benchmarks.drivers.dovetail.training import batches
from benchmarks.drivers.dovetail.waiting import wait
from benchmarks.drivers.session import CompiledCallSession, EagerSession, Mode, Session
from benchmarks.workloads import rows
from benchmarks.workloads.workload import Array, CompiledCall, EagerCall, Expression

_CALLS_PER_TAPE = 1000


def _elementwise(x: Any, w: Any, b: Any) -> Any:
    return dt.tanh(x * w + b) * dt.operations.sigmoid(x)


def _layer_normalization(x: Any, gamma: Any, beta: Any) -> Any:
    return dt.operations.layer_normalization(x, gamma, beta, epsilon=rows.EPSILON)


def _cross_entropy(logits: Any, labels: Any) -> Any:
    return dt.mean(dt.operations.sparse_softmax_cross_entropy(labels, logits))


def _functions() -> dict[str, Callable[..., Any]]:
    return {
        "elementwise": _elementwise,
        "sgemm": dt.matmul,
        "softmax": dt.operations.softmax,
        "layer_normalization": _layer_normalization,
        "cross_entropy": _cross_entropy,
    }


class ExpressionSession(Session):
    """The value, and the gradients that the workload asks for, in one function."""

    def __init__(self, workload: Expression, mode: Mode) -> None:
        super().__init__(batches(workload, mode))
        self._workload = workload
        self._evaluate = _functions()[workload.formula]
        self._step = dt.function(self._with_gradients) if mode.compiled else self._with_gradients

    def _with_gradients(self, *arrays: Any) -> tuple[Any, ...]:
        inputs = arrays[:-1] if self._workload.cotangent else arrays
        if not self._workload.differentiated:
            return (self._evaluate(*inputs),)
        sources = [inputs[position] for position in self._workload.differentiated]
        with dt.GradientTape() as tape:
            tape.watch(sources)
            value = self._evaluate(*inputs)
        cotangent = arrays[-1] if self._workload.cotangent else None
        return value, *tape.gradient(value, sources, output_gradients=cotangent)

    def step(self, batch: Any) -> Any:
        return self._step(*batch)

    def wait(self, result: Any) -> None:
        wait(result[0])

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result[0].numpy(), np.float64)

    def evidence(self) -> dict[str, Array]:
        results = self.step(self.batches[0])
        return {name: value.numpy() for name, value in zip(self._workload.results, results, strict=True)}


class AddOneSession(CompiledCallSession):
    """`x + 1` in a function."""

    def __init__(self, workload: CompiledCall) -> None:
        super().__init__(dt.function(lambda x: x + 1), dt.constant(workload.operand))

    def wait(self, result: Any) -> None:
        wait(result)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result.numpy(), np.float64)


class AddSession(EagerSession):
    """`a + b` outside any function."""

    def __init__(self, workload: EagerCall) -> None:
        super().__init__([tuple(dt.constant(array) for array in workload.operands)])

    def run(self, count: int) -> None:
        first, second = self.batches[0]
        result = first
        for _ in range(count):
            result = first + second
        wait(result)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result.numpy(), np.float64)


class RecordedAddSession(AddSession):
    """`a + b` under a tape that watches both; a new tape now and then, so that memory stays bounded."""

    def run(self, count: int) -> None:
        first, second = self.batches[0]
        for start in range(0, count, _CALLS_PER_TAPE):
            with dt.GradientTape() as tape:
                tape.watch((first, second))
                for _ in range(min(_CALLS_PER_TAPE, count - start)):
                    _ = first + second
