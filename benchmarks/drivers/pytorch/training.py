"""Training steps, inference and updates of parameters in PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.drivers.pytorch import layout
from benchmarks.drivers.pytorch.models import CHANNELS_LAST
from benchmarks.drivers.session import Mode, Session
from benchmarks.workloads.workload import (
    Array,
    Inference,
    OptimizerSettings,
    Training,
    Update,
    Workload,
    is_trained,
)

Parameters = dict[str, Tensor]


def _load(workload: Training | Inference, mode: Mode) -> Parameters:
    return {
        name: layout.load(name, array, _image_format(workload)).requires_grad_(is_trained(name))
        for name, array in mode.cast_all(workload.parameters()).items()
    }


def _batches(workload: Training | Inference | Update, mode: Mode) -> list[tuple[Tensor, ...]]:
    batches = (workload.batch(index) for index in range(workload.batch_count))
    return [tuple(layout.tensor(mode.cast(array), _image_format(workload)) for array in batch) for batch in batches]


def _image_format(workload: Workload) -> torch.memory_format:
    return torch.channels_last if workload.name in CHANNELS_LAST else torch.contiguous_format


def _optimizer(parameters: Parameters, settings: OptimizerSettings) -> torch.optim.Optimizer:
    trained = [value for name, value in parameters.items() if is_trained(name)]
    rate, betas = settings.learning_rate, (settings.beta_1, settings.beta_2)
    match settings.kind:
        case "sgd":
            return torch.optim.SGD(trained, rate, fused=True)
        case "momentum":
            return torch.optim.SGD(trained, rate, momentum=settings.momentum, fused=True)
        case "adam":
            return torch.optim.Adam(trained, rate, betas, settings.epsilon, fused=True)
        case "adamw":
            return torch.optim.AdamW(trained, rate, betas, settings.epsilon, settings.weight_decay, fused=True)


def _make_moments(optimizer: torch.optim.Optimizer, settings: OptimizerSettings) -> None:
    """Make Adam's state now instead of at the first step, as the other frameworks do: it is no part of a step."""
    if settings.kind not in ("adam", "adamw"):
        return
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state = {
        index: {"step": torch.zeros(()), "exp_avg": torch.zeros_like(value), "exp_avg_sq": torch.zeros_like(value)}
        for index, value in enumerate(parameters)
    }
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


class TrainingSession(Session):
    """Forward, `backward`, optimizer step, as PyTorch's own examples have them."""

    def __init__(self, workload: Training, loss: Callable[..., Tensor], mode: Mode) -> None:
        super().__init__(_batches(workload, mode))
        self._parameters = _load(workload, mode)
        self._optimizer = _optimizer(self._parameters, workload.optimizer)
        _make_moments(self._optimizer, workload.optimizer)
        self._loss = torch.compile(loss) if mode.compiled else loss

    def step(self, batch: Any) -> Tensor:
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._loss(self._parameters, *batch)
        loss.backward()
        self._optimizer.step()
        return loss

    def to_numpy(self, result: Tensor) -> Array:
        return np.asarray(result.detach(), np.float64)

    def evidence(self) -> dict[str, Array]:
        """The gradients at the initial weights."""
        self._optimizer.zero_grad(set_to_none=True)
        self._loss(self._parameters, *self.batches[0]).backward()
        return {
            name: layout.unload(name, value.grad) for name, value in self._parameters.items() if value.grad is not None
        }


class InferenceSession(Session):
    """A forward pass without gradients."""

    def __init__(self, workload: Inference, forward: Callable[..., Tensor], mode: Mode) -> None:
        super().__init__(_batches(workload, mode))
        parameters = {name: value.detach() for name, value in _load(workload, mode).items()}

        def run(*batch: Tensor) -> Tensor:
            return forward(parameters, *batch)

        self._forward = torch.compile(run) if mode.compiled else run

    def step(self, batch: Any) -> Tensor:
        with torch.inference_mode():
            return self._forward(*batch)

    def to_numpy(self, result: Tensor) -> Array:
        return np.asarray(result, np.float64)

    def evidence(self) -> dict[str, Array]:
        return {"logits": self.to_numpy(self.step(self.batches[0]))}


class UpdateSession(Session):
    """The optimizer's step alone."""

    def __init__(self, workload: Update, mode: Mode) -> None:
        super().__init__(_batches(workload, mode))
        self._workload = workload
        self._parameters = {
            name: layout.tensor(array).requires_grad_() for name, array in mode.cast_all(workload.parameters()).items()
        }
        self._optimizer = _optimizer(self._parameters, workload.optimizer)

    def step(self, batch: Any) -> None:
        for value, gradient in zip(self._parameters.values(), batch, strict=True):
            value.grad = gradient
        self._optimizer.step()

    def to_numpy(self, result: None) -> Array:
        return np.asarray(self._parameters["matrices/0"].detach()[0, 0], np.float64)

    def evidence(self) -> dict[str, Array]:
        """The parameters after the compared steps."""
        self.run(self._workload.compared_steps)
        return {name: np.array(value.detach()) for name, value in self._parameters.items()}
