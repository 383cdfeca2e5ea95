"""Lion."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .optimizer import Optimizer, Slots


class Lion(Optimizer):
    """Steps by the sign of an interpolation between the gradient and its moving mean.

    Source: X. Chen et al., Symbolic discovery of optimization algorithms, 2023, algorithm 2.
    """

    slot_names = ("first_moment",)

    def __init__(
        self,
        learning_rate: Any = 0.0001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.weight_decay = beta_1, beta_2, weight_decay

    def update(self, parameter: Any, gradient: Any, slots: Slots, learning_rate: Any, step: Any) -> tuple[Any, ...]:
        new: tuple[Any, ...] = ops.lion_update(
            parameter,
            gradient,
            slots["first_moment"],
            learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            weight_decay=self.weight_decay,
        )
        return new
