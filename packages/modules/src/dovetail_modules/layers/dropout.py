"""Dropout."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import AttributeValueError

from ..random_state import draw, initial_state
from .layer import Layer


class Dropout(Layer):
    """In training, sets a random share `rate` of the elements to zero and divides the others by 1 - rate; otherwise the
    identity. The random state is a variable, not trainable, so that a restored training goes on with the same stream.

    Source: N. Srivastava et al., Dropout, 2014, in its inverted form.
    """

    def __init__(self, rate: float, seed: int | None = None, name: str | None = None) -> None:
        super().__init__(name)
        if not 0.0 <= rate < 1.0:
            raise AttributeValueError("Dropout: rate is out of range", expected="0 ≤ rate < 1", got=repr(rate))
        self.rate = rate
        self.random_state = provider().variable(initial_state(seed), name="random_state", trainable=False)

    def call(self, x: Any) -> Any:
        if not self.is_training or self.rate == 0.0:
            return x
        return ops.dropout(x, draw(self.random_state, x.shape), rate=self.rate)
