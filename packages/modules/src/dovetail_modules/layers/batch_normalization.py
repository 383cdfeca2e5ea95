"""Batch normalization."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .layer import Layer


class BatchNormalization(Layer):
    """Normalizes each feature over the batch in training, by moving averages otherwise; then scales and shifts it.

    x: any shape; `axis` is the feature axis. In training (`layer(x, training=True)`) the moving mean and variance,
    which are not trainable, move toward the batch's: moving · momentum + batch · (1 - momentum).

    Source: S. Ioffe, C. Szegedy, Batch normalization, 2015, algorithms 1 and 2; Keras for the moving averages.
    """

    weight_layout = "batch_normalization"

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.axis, self.momentum, self.epsilon, self.center, self.scale = axis, momentum, epsilon, center, scale

    def build(self, input_shape: tuple[int, ...]) -> None:
        shape = (int(input_shape[self.axis]),)
        if self.scale:
            self.gamma = self.add_weight(shape, "ones", name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, "zeros", name="beta")
        self.moving_mean = self.add_weight(shape, "zeros", name="moving_mean", trainable=False)
        self.moving_variance = self.add_weight(shape, "ones", name="moving_variance", trainable=False)

    def call(self, x: Any) -> Any:
        gamma, beta = (self.gamma if self.scale else None), (self.beta if self.center else None)
        options = {"axis": self.axis, "epsilon": self.epsilon}
        if not self.is_training:
            mean, variance = ops.read_variable(self.moving_mean), ops.read_variable(self.moving_variance)
            return ops.batch_normalization(x, mean, variance, gamma, beta, **options)
        y, mean, variance = ops.batch_normalization_training(x, gamma, beta, **options)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return y

    def _move(self, average: Any, batch: Any) -> None:
        now = ops.read_variable(average)
        ops.assign_variable(average, now + (ops.stop_gradient(batch) - now) * (1.0 - self.momentum))
