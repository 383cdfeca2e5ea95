"""Dense: a matrix product with a bias and an activation."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import ShapeError

from .. import activations
from .layer import Layer
from .options import positive


class Dense(Layer):
    """activation(x · kernel + bias) along the last axis.

    x: (…, in_features), floating → (…, units). kernel: (in_features, units); bias: (units,).
    """

    weight_layout = "dense"

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units, self.use_bias = positive("Dense", "units", units), use_bias
        self.activation = activations.get(activation)
        self._initializers = (kernel_initializer, bias_initializer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        if not input_shape:
            raise ShapeError("Dense: the input is 0-d", expected="(…, in_features)", got=input_shape)
        kernel, bias = self._initializers
        self.kernel = self.add_weight((int(input_shape[-1]), self.units), kernel, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.units,), bias, name="bias")

    def call(self, x: Any) -> Any:
        if x.shape[-1:] != self.kernel.shape[:1]:
            raise ShapeError(
                "Dense: the input's features differ from those that the layer was built for",
                where="axis -1 (in_features) of the input",
                expected=self.kernel.shape[0],
                got=f"{x.shape[-1] if x.shape else 'none'}, shape {tuple(x.shape)}",
                fix="make a new layer for inputs of this width, or reshape the input",
            )
        y = ops.matmul(x, self.kernel)
        return self.activation(y + self.bias if self.use_bias else y)
