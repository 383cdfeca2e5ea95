"""Activation: an activation function as a layer."""

from __future__ import annotations

from typing import Any

from .. import activations
from .layer import Layer


class Activation(Layer):
    """A function of each element, by name or given. x: any shape → the same shape."""

    def __init__(self, activation: Any, name: str | None = None) -> None:
        super().__init__(name)
        self.activation = activations.get(activation)

    def call(self, x: Any) -> Any:
        return self.activation(x)
