"""Training steps, inference and updates of parameters in JAX: one jitted call each, state donated."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray

from benchmarks.drivers.jax import optimizers
from benchmarks.drivers.session import Mode, Session
from benchmarks.workloads.workload import Array, Inference, Training, Update, is_trained

Parameters = dict[str, JaxArray]
State = tuple[Parameters, Parameters, optimizers.Slots, JaxArray]  # trained, others, slots, steps done


def batches(workload: Any, mode: Mode) -> list[tuple[JaxArray, ...]]:
    """The workload's batches on the device."""
    numbers = (workload.batch(index) for index in range(workload.batch_count))
    return [tuple(jnp.asarray(mode.cast(array)) for array in batch) for batch in numbers]


def _initial_state(workload: Training | Update, mode: Mode) -> State:
    parameters = {name: jnp.asarray(array) for name, array in mode.cast_all(workload.parameters()).items()}
    trained = {name: value for name, value in parameters.items() if is_trained(name)}
    others = {name: value for name, value in parameters.items() if not is_trained(name)}
    return trained, others, optimizers.initial_slots(trained, workload.optimizer), jnp.zeros((), jnp.int32)


class TrainingSession(Session):
    """Loss, gradients and update in one call."""

    def __init__(self, workload: Training, loss: Callable[..., tuple[JaxArray, Parameters]], mode: Mode) -> None:
        super().__init__(batches(workload, mode))
        self._state = _initial_state(workload, mode)

        def loss_of_trained(trained: Parameters, others: Parameters, *batch: JaxArray) -> tuple[JaxArray, Parameters]:
            return loss(trained | others, *batch)

        self._value_and_gradients = jax.value_and_grad(loss_of_trained, has_aux=True)

        def step(state: State, batch: tuple[JaxArray, ...]) -> tuple[JaxArray, State]:
            trained, others, slots, count = state
            (value, updates), gradients = self._value_and_gradients(trained, others, *batch)
            trained, slots = optimizers.update(trained, gradients, slots, count + 1, workload.optimizer)
            return value, (trained, others | updates, slots, count + 1)

        self._step = jax.jit(step, donate_argnums=0)

    def step(self, batch: Any) -> JaxArray:
        value: JaxArray
        value, self._state = self._step(self._state, batch)
        return value

    def wait(self, result: Any) -> None:
        jax.block_until_ready((result, self._state))

    def to_numpy(self, result: JaxArray) -> Array:
        return np.asarray(result, np.float64)

    def evidence(self) -> dict[str, Array]:
        """The gradients at the initial weights."""
        trained, others, _, _ = self._state
        _, gradients = jax.jit(self._value_and_gradients)(trained, others, *self.batches[0])
        return {name: np.asarray(value) for name, value in gradients.items()}


class InferenceSession(Session):
    """A jitted forward pass."""

    def __init__(self, workload: Inference, forward: Callable[..., JaxArray], mode: Mode) -> None:
        super().__init__(batches(workload, mode))
        self._parameters = {name: jnp.asarray(array) for name, array in mode.cast_all(workload.parameters()).items()}
        self._forward = jax.jit(forward)

    def step(self, batch: Any) -> JaxArray:
        logits: JaxArray = self._forward(self._parameters, *batch)
        return logits

    def wait(self, result: Any) -> None:
        jax.block_until_ready(result)

    def to_numpy(self, result: JaxArray) -> Array:
        return np.asarray(result, np.float64)

    def evidence(self) -> dict[str, Array]:
        return {"logits": self.to_numpy(self.step(self.batches[0]))}


class UpdateSession(Session):
    """The optimizer's step alone; parameters and slots are donated."""

    def __init__(self, workload: Update, mode: Mode) -> None:
        names = tuple(workload.parameters())
        super().__init__(dict(zip(names, batch, strict=True)) for batch in batches(workload, mode))
        self._workload = workload
        self._state = _initial_state(workload, mode)

        def step(state: State, gradients: Parameters) -> State:
            trained, others, slots, count = state
            trained, slots = optimizers.update(trained, gradients, slots, count + 1, workload.optimizer)
            return trained, others, slots, count + 1

        self._step = jax.jit(step, donate_argnums=0)

    def step(self, batch: Any) -> None:
        self._state = self._step(self._state, batch)

    def wait(self, result: Any) -> None:
        jax.block_until_ready(self._state)

    def to_numpy(self, result: None) -> Array:
        return np.asarray(self._state[0]["matrices/0"][0, 0], np.float64)

    def evidence(self) -> dict[str, Array]:
        """The parameters after the compared steps."""
        self.run(self._workload.compared_steps)
        return {name: np.asarray(value) for name, value in self._state[0].items()}
