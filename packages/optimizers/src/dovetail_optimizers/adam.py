"""Adam, and AdamW with its decoupled weight decay."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .optimizer import Optimizer, Slots


class Adam(Optimizer):
    """Steps by the ratio of the gradient's moving mean to the root of its moving mean square, both corrected for their
    start at zero. `amsgrad` keeps the largest mean square.

    Source: D. Kingma, J. Ba, Adam, 2015, algorithm 1; AMSGrad: S. Reddi et al., 2018, algorithm 2.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *,
        amsgrad: bool = False,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon, self.weight_decay = beta_1, beta_2, epsilon, weight_decay
        self.slot_names = ("first_moment", "second_moment") + ("largest_second_moment",) * amsgrad

    def update(self, parameter: Any, gradient: Any, slots: Slots, learning_rate: Any, step: Any) -> tuple[Any, ...]:
        new: tuple[Any, ...] = ops.adam_update(
            parameter,
            gradient,
            slots["first_moment"],
            slots["second_moment"],
            step,
            learning_rate,
            slots.get("largest_second_moment"),
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            weight_decay=self.weight_decay,
        )
        return new


class AdamW(Adam):
    """Adam with decoupled weight decay: parameter · (1 - learning_rate · weight_decay) before the step.

    Source: I. Loshchilov, F. Hutter, Decoupled weight decay regularization, 2019, algorithm 2.
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **options: Any) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
