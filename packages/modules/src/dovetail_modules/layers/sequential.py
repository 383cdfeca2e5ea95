"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dovetail_protocols.errors import AttributeValueError

from .layer import Layer


class Sequential(Layer):
    """Each layer (or function of one array) applied to the result of the one before."""

    def __init__(self, layers: Iterable[Callable[[Any], Any]] = (), name: str | None = None) -> None:
        super().__init__(name)
        self.layers: list[Callable[[Any], Any]] = []
        for layer in layers:
            self.add(layer)

    def add(self, layer: Callable[[Any], Any]) -> None:
        """Puts a layer at the end."""
        if not callable(layer):
            raise AttributeValueError("Sequential: a layer must be callable", got=repr(layer))
        self.layers.append(layer)

    def call(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x
