"""Normalization within each sample."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .layer import Layer


def _axes(axis: int | tuple[int, ...]) -> tuple[int, ...]:
    return (axis,) if isinstance(axis, int) else tuple(axis)


class LayerNormalization(Layer):
    """(x - mean) / √(variance + epsilon) over `axis`, then scaled and shifted.

    x: any shape; gamma and beta have the sizes of `axis`.

    Source: J. Ba, J. Kiros, G. Hinton, Layer normalization, 2016, equation 4.
    """

    weight_layout = "layer_normalization"

    def __init__(
        self,
        axis: int | tuple[int, ...] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale

    def build(self, input_shape: tuple[int, ...]) -> None:
        shape = tuple(int(input_shape[axis]) for axis in _axes(self.axis))
        if self.scale:
            self.gamma = self.add_weight(shape, "ones", name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, "zeros", name="beta")

    def call(self, x: Any) -> Any:
        gamma, beta = (self.gamma if self.scale else None), (self.beta if self.center else None)
        return ops.layer_normalization(x, gamma, beta, axis=self.axis, epsilon=self.epsilon)


class RMSNormalization(Layer):
    """x / √(mean of x² + epsilon) over `axis`, then scaled.

    Source: B. Zhang, R. Sennrich, Root mean square layer normalization, 2019, equation 4.
    """

    weight_layout = "rms_normalization"

    def __init__(self, axis: int | tuple[int, ...] = -1, epsilon: float = 1e-6, name: str | None = None) -> None:
        super().__init__(name)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape: tuple[int, ...]) -> None:
        shape = tuple(int(input_shape[axis]) for axis in _axes(self.axis))
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, x: Any) -> Any:
        return ops.rms_normalization(x, self.scale, axis=self.axis, epsilon=self.epsilon)
