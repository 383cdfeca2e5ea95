"""Pooling over windows, and over everything."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .convolution import AXES
from .layer import Layer
from .options import rank_checked, spatial


class _Pooling(Layer):
    rank: int
    operation: Any

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", name: str | None = None
    ) -> None:
        super().__init__(name)
        kind = type(self).__name__
        self.pool_size = spatial(kind, "pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else spatial(kind, "strides", strides, self.rank)
        self.padding = padding

    def call(self, x: Any) -> Any:
        rank_checked(type(self).__name__, x.shape, AXES[self.rank])
        pool = type(self).operation
        return pool(x, window=self.pool_size, strides=self.strides, padding=self.padding)


class MaxPooling1D(_Pooling):
    """The largest of each window. x: (batch, steps, channels)."""

    rank, operation = 1, ops.max_pool


class MaxPooling2D(_Pooling):
    """The largest of each window. x: (batch, height, width, channels)."""

    rank, operation = 2, ops.max_pool


class AveragePooling1D(_Pooling):
    """The mean of each window, without padding. x: (batch, steps, channels)."""

    rank, operation = 1, ops.average_pool


class AveragePooling2D(_Pooling):
    """The mean of each window, without padding. x: (batch, height, width, channels)."""

    rank, operation = 2, ops.average_pool


class _GlobalPooling(Layer):
    rank: int
    operation: Any

    def __init__(self, keepdims: bool = False, name: str | None = None) -> None:
        super().__init__(name)
        self.keepdims = keepdims

    def call(self, x: Any) -> Any:
        rank_checked(type(self).__name__, x.shape, AXES[self.rank])
        reduce = type(self).operation
        return reduce(x, axis=tuple(range(1, self.rank + 1)), keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest of each channel. x: (batch, steps, channels) → (batch, channels)."""

    rank, operation = 1, ops.max


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest of each channel. x: (batch, height, width, channels) → (batch, channels)."""

    rank, operation = 2, ops.max


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel. x: (batch, steps, channels) → (batch, channels)."""

    rank, operation = 1, ops.mean


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel. x: (batch, height, width, channels) → (batch, channels)."""

    rank, operation = 2, ops.mean
