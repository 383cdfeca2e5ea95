"""Gradient descent."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .optimizer import Optimizer, Slots


class SGD(Optimizer):
    """parameter - learning_rate · gradient.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, algorithm 8.1.
    """

    def __init__(self, learning_rate: Any = 0.01, *, weight_decay: float = 0.0, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.weight_decay = weight_decay

    def update(self, parameter: Any, gradient: Any, slots: Slots, learning_rate: Any, step: Any) -> tuple[Any, ...]:
        return (ops.sgd_update(parameter, gradient, learning_rate, weight_decay=self.weight_decay),)
