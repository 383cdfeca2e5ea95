"""Training steps, inference and updates of parameters in Dovetail: one function each."""

from collections.abc import Callable
from typing import Any

import numpy as np

import dovetail as dt
from benchmarks.drivers.dovetail.waiting import wait
from benchmarks.drivers.session import Mode, Session
from benchmarks.workloads.workload import (
    Array,
    Arrays,
    Inference,
    OptimizerSettings,
    Training,
    Update,
    is_trained,
)


def batches(workload: Any, mode: Mode) -> list[tuple[Any, ...]]:
    """The workload's batches as tensors."""
    numbers = (workload.batch(index) for index in range(workload.batch_count))
    return [tuple(dt.constant(mode.cast(array)) for array in batch) for batch in numbers]


def _optimizer(settings: OptimizerSettings) -> Any:
    rate = settings.learning_rate
    moments = {"beta_1": settings.beta_1, "beta_2": settings.beta_2, "epsilon": settings.epsilon}
    match settings.kind:
        case "sgd":
            return dt.optimizers.SGD(rate)
        case "momentum":
            return dt.optimizers.Momentum(rate, settings.momentum)
        case "adam":
            return dt.optimizers.Adam(rate, **moments)
        case "adamw":
            return dt.optimizers.AdamW(rate, settings.weight_decay, **moments)


def build(call: Callable[..., Any], batch: tuple[Any, ...]) -> None:
    """Have the layers make their variables, without a compiler's help: nothing is compiled before the first step."""
    kind = batch[0].device.kind
    with dt.kernels.use("numpy" if kind == "cpu" else kind, only=True):
        call(*(array[:1] for array in batch))


def _build(optimizer: Any, variables: list[Any]) -> None:
    """Make the optimizer's state, and have it in memory: zeros that nobody has written to take none yet, and would
    count as the first step's."""
    optimizer.build(variables)
    for variable in optimizer.variables:
        variable.assign(np.array(variable.numpy()))


class TrainingSession(Session):
    """Forward pass under a tape, gradients, `apply_gradients`."""

    def __init__(self, workload: Training, model: Any, mode: Mode) -> None:
        super().__init__(batches(workload, mode))
        parameters = workload.parameters()
        build(model.loss, self.batches[0])
        model.load(parameters)
        self._names = [name for name in parameters if is_trained(name)]
        self._model = model
        self._variables = [model.variable(name) for name in self._names]
        self._optimizer = _optimizer(workload.optimizer)
        _build(self._optimizer, self._variables)
        self._step = dt.function(self._train) if mode.compiled else self._train

    def _train(self, *batch: Any) -> Any:
        with dt.GradientTape() as tape:
            loss = self._model.loss(*batch)
        gradients = tape.gradient(loss, self._variables)
        self._optimizer.apply_gradients(zip(gradients, self._variables, strict=True))
        return loss

    def step(self, batch: Any) -> Any:
        return self._step(*batch)

    def wait(self, result: Any) -> None:
        wait(result)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result.numpy(), np.float64)

    def evidence(self) -> dict[str, Array]:
        """The gradients at the initial weights."""

        def differentiate(*batch: Any) -> Any:
            with dt.GradientTape() as tape:
                loss = self._model.loss(*batch)
            return tape.gradient(loss, self._variables)

        gradients = dt.function(differentiate)(*self.batches[0])
        return {name: gradient.numpy() for name, gradient in zip(self._names, gradients, strict=True)}


class InferenceSession(Session):
    """A forward pass."""

    def __init__(self, workload: Inference, model: Any, mode: Mode) -> None:
        super().__init__(batches(workload, mode))
        build(model, self.batches[0])
        model.load(workload.parameters())
        self._forward = dt.function(model.__call__) if mode.compiled else model

    def step(self, batch: Any) -> Any:
        return self._forward(*batch)

    def wait(self, result: Any) -> None:
        wait(result)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result.numpy(), np.float64)

    def evidence(self) -> dict[str, Array]:
        return {"logits": self.to_numpy(self.step(self.batches[0]))}


class UpdateSession(Session):
    """`apply_gradients` alone."""

    def __init__(self, workload: Update, mode: Mode) -> None:
        super().__init__(batches(workload, mode))
        self._workload = workload
        self._parameters = {name: dt.Variable(array) for name, array in workload.parameters().items()}
        self._optimizer = _optimizer(workload.optimizer)
        _build(self._optimizer, list(self._parameters.values()))
        self._step = dt.function(self._update) if mode.compiled else self._update

    def _update(self, *gradients: Any) -> None:
        self._optimizer.apply_gradients(zip(gradients, self._parameters.values(), strict=True))

    def step(self, batch: Any) -> None:
        self._step(*batch)

    def wait(self, result: None) -> None:
        wait(self._parameters["matrices/0"])

    def to_numpy(self, result: None) -> Array:
        return np.asarray(self._parameters["matrices/0"].numpy()[0, 0], np.float64)

    def evidence(self) -> Arrays:
        """The parameters after the compared steps."""
        self.run(self._workload.compared_steps)
        return {name: variable.numpy() for name, variable in self._parameters.items()}
