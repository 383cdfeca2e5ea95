"""Training steps, inference and updates of parameters in TensorFlow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.drivers.session import Mode, Session
from benchmarks.drivers.tensorflow.optimizers import Optimizer
from benchmarks.workloads.workload import Array, Inference, Training, Update, is_trained


def batches(workload: Any, mode: Mode) -> list[tuple[Any, ...]]:
    """The workload's batches as tensors."""
    numbers = (workload.batch(index) for index in range(workload.batch_count))
    return [tuple(tf.constant(mode.cast(array)) for array in batch) for batch in numbers]


def _variables(workload: Training | Inference | Update, mode: Mode) -> dict[str, Any]:
    parameters = mode.cast_all(workload.parameters())
    return {name: tf.Variable(array, trainable=is_trained(name)) for name, array in parameters.items()}


class TrainingSession(Session):
    """Tape, gradients and update in one tf.function."""

    def __init__(self, workload: Training, loss: Callable[..., Any], mode: Mode, *, jit_compile: bool) -> None:
        super().__init__(batches(workload, mode))
        self._parameters = _variables(workload, mode)
        self._trained = {name: value for name, value in self._parameters.items() if is_trained(name)}
        self._optimizer = Optimizer(list(self._trained.values()), workload.optimizer)
        self._loss = loss
        self._step = tf.function(self._train, jit_compile=jit_compile)
        self._gradients = tf.function(self._differentiate, jit_compile=jit_compile)

    def _differentiate(self, *batch: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            loss = self._loss(self._parameters, *batch)
        gradients = tape.gradient(loss, list(self._trained.values()))
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _train(self, *batch: Any) -> Any:
        loss, gradients = self._differentiate(*batch)
        self._optimizer.apply(gradients)
        return loss

    def step(self, batch: Any) -> Any:
        return self._step(*batch)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result, np.float64)

    def evidence(self) -> dict[str, Array]:
        """The gradients at the initial weights."""
        _, gradients = self._gradients(*self.batches[0])
        return {name: gradient.numpy() for name, gradient in zip(self._trained, gradients, strict=True)}


class InferenceSession(Session):
    """A forward pass."""

    def __init__(self, workload: Inference, forward: Callable[..., Any], mode: Mode, *, jit_compile: bool) -> None:
        super().__init__(batches(workload, mode))
        parameters = _variables(workload, mode)
        self._forward = tf.function(lambda *batch: forward(parameters, *batch), jit_compile=jit_compile)

    def step(self, batch: Any) -> Any:
        return self._forward(*batch)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result, np.float64)

    def evidence(self) -> dict[str, Array]:
        return {"logits": self.to_numpy(self.step(self.batches[0]))}


class UpdateSession(Session):
    """The optimizer's step alone."""

    def __init__(self, workload: Update, mode: Mode, *, jit_compile: bool) -> None:
        super().__init__(batches(workload, mode))
        self._workload = workload
        self._parameters = _variables(workload, mode)
        optimizer = Optimizer(list(self._parameters.values()), workload.optimizer)
        self._step = tf.function(lambda *gradients: optimizer.apply(list(gradients)), jit_compile=jit_compile)

    def step(self, batch: Any) -> None:
        self._step(*batch)

    def to_numpy(self, result: None) -> Array:
        return np.asarray(self._parameters["matrices/0"][0, 0], np.float64)

    def evidence(self) -> dict[str, Array]:
        """The parameters after the compared steps."""
        self.run(self._workload.compared_steps)
        return {name: variable.numpy() for name, variable in self._parameters.items()}
