"""Functions of arrays and small calls in PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.drivers.pytorch import layout
from benchmarks.drivers.session import CompiledCallSession, EagerSession, Mode, Session
from benchmarks.workloads import rows
from benchmarks.workloads.workload import Array, CompiledCall, EagerCall, Expression


def _elementwise(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return torch.tanh(x * w + b) * torch.sigmoid(x)


def _softmax(x: Tensor) -> Tensor:
    return functional.softmax(x, dim=-1)


def _layer_normalization(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], gamma, beta, rows.EPSILON)


_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "elementwise": _elementwise,
    "sgemm": torch.matmul,
    "softmax": _softmax,
    "layer_normalization": _layer_normalization,
    "cross_entropy": functional.cross_entropy,
}


class ExpressionSession(Session):
    """The value, and the gradients that the workload asks for."""

    def __init__(self, workload: Expression, mode: Mode) -> None:
        batches = [
            [layout.tensor(mode.cast(array)) for array in workload.batch(index)]
            for index in range(workload.batch_count)
        ]
        for batch in batches:
            for position in workload.differentiated:
                batch[position].requires_grad_()
        super().__init__(batches)
        self._workload = workload
        function = _FUNCTIONS[workload.formula]
        self._function = torch.compile(function) if mode.compiled else function
        self._inputs = len(batches[0]) - workload.cotangent

    def step(self, batch: Any) -> tuple[Tensor, ...]:
        value = self._function(*batch[: self._inputs])
        if not self._workload.differentiated:
            return (value,)
        sources = [batch[position] for position in self._workload.differentiated]
        gradients = torch.autograd.grad(value, sources, batch[-1] if self._workload.cotangent else None)
        return value, *gradients

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result[0].detach(), np.float64)

    def evidence(self) -> dict[str, Array]:
        results = self.step(self.batches[0])
        return {name: value.detach().numpy() for name, value in zip(self._workload.results, results, strict=True)}


class AddOneSession(CompiledCallSession):
    """`x + 1` under torch.compile."""

    def __init__(self, workload: CompiledCall) -> None:
        super().__init__(torch.compile(lambda x: x + 1), layout.tensor(workload.operand))

    def to_numpy(self, result: Tensor) -> Array:
        return np.asarray(result, np.float64)


class AddSession(EagerSession):
    """`a + b`; recorded means that both require gradients."""

    def __init__(self, workload: EagerCall) -> None:
        operands = tuple(layout.tensor(array).requires_grad_(workload.recorded) for array in workload.operands)
        super().__init__([operands])

    def run(self, count: int) -> None:
        first, second = self.batches[0]
        for _ in range(count):
            _ = first + second

    def to_numpy(self, result: Tensor) -> Array:
        return np.asarray(result.detach(), np.float64)
