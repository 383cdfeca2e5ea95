"""Functions of arrays and small calls in JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray
from jax import lax

from benchmarks.drivers.jax.models.losses import cross_entropy
from benchmarks.drivers.jax.training import batches
from benchmarks.drivers.session import CompiledCallSession, EagerSession, Mode, Session
from benchmarks.workloads import rows
from benchmarks.workloads.workload import Array, CompiledCall, EagerCall, Expression


def _elementwise(x: JaxArray, w: JaxArray, b: JaxArray) -> JaxArray:
    return jnp.tanh(x * w + b) * jax.nn.sigmoid(x)


def _softmax(x: JaxArray) -> JaxArray:
    return jax.nn.softmax(x, axis=-1)


def _layer_normalization(x: JaxArray, gamma: JaxArray, beta: JaxArray) -> JaxArray:
    mean = jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.var(x, axis=-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + rows.EPSILON) * gamma + beta


_FUNCTIONS: dict[str, Callable[..., JaxArray]] = {
    "elementwise": _elementwise,
    "sgemm": jnp.matmul,
    "softmax": _softmax,
    "layer_normalization": _layer_normalization,
    "cross_entropy": cross_entropy,
}


def _with_gradients(workload: Expression) -> Callable[..., tuple[JaxArray, ...]]:
    """The value and its gradients as one function of a batch's arrays."""
    function = _FUNCTIONS[workload.formula]

    def run(*arrays: JaxArray) -> tuple[JaxArray, ...]:
        inputs = arrays[:-1] if workload.cotangent else arrays
        if not workload.differentiated:
            return (function(*inputs),)

        def of_differentiated(*changing: JaxArray) -> JaxArray:
            replaced = dict(zip(workload.differentiated, changing, strict=True))
            return function(*(replaced.get(position, array) for position, array in enumerate(inputs)))

        value, pull_back = jax.vjp(of_differentiated, *(inputs[position] for position in workload.differentiated))
        cotangent = arrays[-1] if workload.cotangent else jnp.ones_like(value)
        return value, *pull_back(cotangent)

    return run


class ExpressionSession(Session):
    """The value, and the gradients that the workload asks for, in one jitted call."""

    def __init__(self, workload: Expression, mode: Mode) -> None:
        super().__init__(batches(workload, mode))
        self._workload = workload
        self._function = jax.jit(_with_gradients(workload))

    def step(self, batch: Any) -> Any:
        return self._function(*batch)

    def wait(self, result: Any) -> None:
        jax.block_until_ready(result)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result[0], np.float64)

    def evidence(self) -> dict[str, Array]:
        results = self.step(self.batches[0])
        return {name: np.asarray(value) for name, value in zip(self._workload.results, results, strict=True)}


class AddOneSession(CompiledCallSession):
    """`x + 1` under jit."""

    def __init__(self, workload: CompiledCall) -> None:
        super().__init__(jax.jit(lambda x: x + 1), jnp.asarray(workload.operand))

    def wait(self, result: Any) -> None:
        jax.block_until_ready(result)

    def to_numpy(self, result: JaxArray) -> Array:
        return np.asarray(result, np.float64)


class AddSession(EagerSession):
    """`a + b` outside jit."""

    def __init__(self, workload: EagerCall) -> None:
        super().__init__([tuple(jnp.asarray(array) for array in workload.operands)])

    def run(self, count: int) -> None:
        first, second = self.batches[0]
        result = None
        for _ in range(count):
            result = first + second
        jax.block_until_ready(result)

    def to_numpy(self, result: JaxArray) -> Array:
        return np.asarray(result, np.float64)
