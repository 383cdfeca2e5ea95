"""Learning rates that depend on the step. A schedule is called with the step, a 0-d integer array, and gives a 0-d
float32 array; it is made of operations, so it runs inside traced functions too."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.dtypes import float32
from dovetail_protocols.errors import AttributeValueError


class Schedule(ABC):
    """A learning rate for each step."""

    @abstractmethod
    def __call__(self, step: Any) -> Any:
        """The learning rate, a 0-d float32 array, at `step`, which counts from 0."""


class Constant(Schedule):
    """The same learning rate at each step."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def __call__(self, step: Any) -> Any:
        return ops.cast(step, dtype=float32) * 0.0 + self.learning_rate


class ExponentialDecay(Schedule):
    """initial · rate^(step / decay_steps); with `staircase`, the exponent is rounded down.

    Source: Keras, ExponentialDecay.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, *, staircase: bool = False
    ) -> None:
        _positive("ExponentialDecay", decay_steps=decay_steps, decay_rate=decay_rate)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase = decay_rate, staircase

    def __call__(self, step: Any) -> Any:
        progress = ops.cast(step, dtype=float32) / self.decay_steps
        if self.staircase:
            progress = ops.floor(progress)
        return ops.exp(progress * math.log(self.decay_rate)) * self.initial_learning_rate


class CosineDecay(Schedule):
    """A linear warm-up from `initial_learning_rate` to `warmup_target` over `warmup_steps`, then half a cosine down to
    `alpha` times the peak over `decay_steps`; constant after that. Without `warmup_target`, the decay starts at once.

    Source: I. Loshchilov, F. Hutter, SGDR, 2017, equation 5, without restarts; Keras, CosineDecay.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        *,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        _positive("CosineDecay", decay_steps=decay_steps)
        if warmup_target is not None:
            _positive("CosineDecay", warmup_steps=warmup_steps)
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, dtype=float32)
        if self.warmup_target is None:
            return self._decayed(step, self.initial_learning_rate)
        rise = self.warmup_target - self.initial_learning_rate
        warming = step / self.warmup_steps * rise + self.initial_learning_rate
        decaying = self._decayed(step - self.warmup_steps, self.warmup_target)
        return ops.where(ops.less(step, self.warmup_steps), warming, decaying)

    def _decayed(self, step: Any, peak: float) -> Any:
        progress = ops.minimum(step, self.decay_steps) / self.decay_steps
        cosine = (ops.cos(progress * math.pi) + 1.0) * 0.5
        return (cosine * (1.0 - self.alpha) + self.alpha) * peak


def _positive(owner: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise AttributeValueError(f"{owner}: {name} must be positive", got=value)
