"""Gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .optimizer import Optimizer, Slots


class Momentum(Optimizer):
    """velocity' = momentum · velocity - learning_rate · gradient; parameter + velocity', or with `nesterov`
    parameter + momentum · velocity' - learning_rate · gradient.

    Source: I. Sutskever et al., On the importance of initialization and momentum in deep learning, 2013, equations 1-4.
    """

    slot_names = ("velocity",)

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.9,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    def update(self, parameter: Any, gradient: Any, slots: Slots, learning_rate: Any, step: Any) -> tuple[Any, ...]:
        new: tuple[Any, ...] = ops.momentum_update(
            parameter,
            gradient,
            slots["velocity"],
            learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )
        return new
