"""Adagrad."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .optimizer import Optimizer, Slots


class Adagrad(Optimizer):
    """The gradient divided by the root of the sum of its squares so far.

    Source: J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods, 2011, figure 1.
    """

    slot_names = ("accumulator",)

    def __init__(
        self, learning_rate: Any = 0.001, *, epsilon: float = 1e-7, weight_decay: float = 0.0, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.epsilon, self.weight_decay = epsilon, weight_decay

    def update(self, parameter: Any, gradient: Any, slots: Slots, learning_rate: Any, step: Any) -> tuple[Any, ...]:
        new: tuple[Any, ...] = ops.adagrad_update(
            parameter,
            gradient,
            slots["accumulator"],
            learning_rate,
            epsilon=self.epsilon,
            weight_decay=self.weight_decay,
        )
        return new
