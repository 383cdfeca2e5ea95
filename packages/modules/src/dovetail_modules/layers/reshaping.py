"""Layers that change only the shape."""

from __future__ import annotations

from math import prod
from typing import Any

from dovetail_protocols import operations as ops

from .layer import Layer


class Flatten(Layer):
    """All axes after the batch as one. x: (batch, …) → (batch, features)."""

    def call(self, x: Any) -> Any:
        return ops.reshape(x, shape=(x.shape[0], prod(x.shape[1:])))


class Reshape(Layer):
    """Another shape for each sample; one entry of `target_shape` may be -1. x: (batch, …) → (batch, *target_shape)."""

    def __init__(self, target_shape: tuple[int, ...], name: str | None = None) -> None:
        super().__init__(name)
        self.target_shape = tuple(target_shape)

    def call(self, x: Any) -> Any:
        return ops.reshape(x, shape=(x.shape[0], *self.target_shape))
