"""The optimizers as TensorFlow's fused kernels."""

from typing import Any

import tensorflow as tf

from benchmarks.workloads.workload import OptimizerSettings


class Optimizer:
    """Slots for each variable, and the number of steps done."""

    def __init__(self, variables: list[Any], settings: OptimizerSettings) -> None:
        self._variables = variables
        self._settings = settings
        count = settings.slots
        self._slots = [[tf.Variable(tf.zeros_like(variable)) for _ in range(count)] for variable in variables]
        dtype = variables[0].dtype
        self._power_1, self._power_2 = tf.Variable(1.0, dtype=dtype), tf.Variable(1.0, dtype=dtype)

    def apply(self, gradients: list[Any]) -> None:
        """Update every variable in place."""
        self._power_1.assign(self._power_1 * self._settings.beta_1)
        self._power_2.assign(self._power_2 * self._settings.beta_2)
        for variable, slots, gradient in zip(self._variables, self._slots, gradients, strict=True):
            self._update(variable, slots, gradient)

    def _update(self, variable: Any, slots: list[Any], gradient: Any) -> None:
        settings = self._settings
        rate = tf.constant(settings.learning_rate, variable.dtype)
        if settings.kind == "sgd":
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)
            return
        if settings.kind == "momentum":
            tf.raw_ops.ResourceApplyMomentum(
                var=variable.handle,
                accum=slots[0].handle,
                lr=rate,
                grad=gradient,
                momentum=tf.constant(settings.momentum, variable.dtype),
            )
            return
        if settings.kind == "adamw":
            variable.assign(variable * (1 - settings.learning_rate * settings.weight_decay))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=slots[0].handle,
            v=slots[1].handle,
            beta1_power=self._power_1,
            beta2_power=self._power_2,
            lr=rate,
            beta1=tf.constant(settings.beta_1, variable.dtype),
            beta2=tf.constant(settings.beta_2, variable.dtype),
            # The kernel adds epsilon to the uncorrected root.
            epsilon=settings.epsilon * tf.sqrt(1 - self._power_2),
            grad=gradient,
        )
