"""RMSProp."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .optimizer import Optimizer, Slots


class RMSProp(Optimizer):
    """The gradient divided by the root of a moving average of its square; optionally with momentum, and centered by the
    moving average of the gradient.

    Source: T. Tieleman, G. Hinton, Lecture 6.5, 2012; the centered form: A. Graves, 2013, equations 38-45.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        *,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self.weight_decay = weight_decay
        optional = ("velocity",) * (momentum != 0.0) + ("mean_gradient",) * centered
        self.slot_names = ("mean_square", *optional)

    def update(self, parameter: Any, gradient: Any, slots: Slots, learning_rate: Any, step: Any) -> tuple[Any, ...]:
        new: tuple[Any, ...] = ops.rmsprop_update(
            parameter,
            gradient,
            slots["mean_square"],
            learning_rate,
            slots.get("velocity"),
            slots.get("mean_gradient"),
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
            weight_decay=self.weight_decay,
        )
        return new
