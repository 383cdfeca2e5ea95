"""Convolution over one or two spatial axes, channels last."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError

from .. import activations
from .layer import Layer
from .options import positive, rank_checked, spatial

AXES = {1: ("batch", "steps", "channels"), 2: ("batch", "height", "width", "channels")}


class _Convolution(Layer):
    weight_layout = "convolution"
    rank: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        kind = type(self).__name__
        self.filters, self.groups = positive(kind, "filters", filters), positive(kind, "groups", groups)
        self.kernel_size = spatial(kind, "kernel_size", kernel_size, self.rank)
        self.strides = spatial(kind, "strides", strides, self.rank)
        self.dilation_rate = spatial(kind, "dilation_rate", dilation_rate, self.rank)
        if self.filters % self.groups:
            raise AttributeValueError(f"{kind}: filters must be a multiple of groups", got=f"{filters}, {groups}")
        self.padding, self.use_bias = padding, use_bias
        self.activation = activations.get(activation)
        self._initializers = (kernel_initializer, bias_initializer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        kind = type(self).__name__
        rank_checked(kind, input_shape, AXES[self.rank])
        channels = int(input_shape[-1])
        if channels % self.groups:
            raise AttributeValueError(f"{kind}: input channels must be a multiple of groups", got=channels)
        kernel, bias = self._initializers
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_weight(shape, kernel, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), bias, name="bias")

    def call(self, x: Any) -> Any:
        rank_checked(type(self).__name__, x.shape, AXES[self.rank])
        y = ops.conv(
            x,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
            groups=self.groups,
        )
        return self.activation(y + self.bias if self.use_bias else y)


class Conv1D(_Convolution):
    """Convolution along one axis.

    x: (batch, steps, in_channels) → (batch, new_steps, filters). kernel: (kernel_size, in_channels / groups, filters).
    `padding`: "valid", "same", or "causal" (nothing looks ahead).
    """

    rank = 1


class Conv2D(_Convolution):
    """Convolution over images.

    x: (batch, height, width, in_channels) → (batch, new_height, new_width, filters).
    kernel: (*kernel_size, in_channels / groups, filters).
    """

    rank = 2


class DepthwiseConv2D(Layer):
    """A convolution of each channel by itself, `depth_multiplier` times.

    x: (batch, height, width, channels) → (batch, new_height, new_width, channels · depth_multiplier).
    kernel: (*kernel_size, channels, depth_multiplier).
    """

    weight_layout = "depthwise_convolution"

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        kind = "DepthwiseConv2D"
        self.kernel_size = spatial(kind, "kernel_size", kernel_size, 2)
        self.strides = spatial(kind, "strides", strides, 2)
        self.dilation_rate = spatial(kind, "dilation_rate", dilation_rate, 2)
        self.depth_multiplier = positive(kind, "depth_multiplier", depth_multiplier)
        self.padding, self.use_bias = padding, use_bias
        self.activation = activations.get(activation)
        self._initializers = (depthwise_initializer, bias_initializer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        rank_checked("DepthwiseConv2D", input_shape, AXES[2])
        channels = int(input_shape[-1])
        kernel, bias = self._initializers
        self.kernel = self.add_weight((*self.kernel_size, channels, self.depth_multiplier), kernel, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((channels * self.depth_multiplier,), bias, name="bias")

    def call(self, x: Any) -> Any:
        rank_checked("DepthwiseConv2D", x.shape, AXES[2])
        channels = self.kernel.shape[2]
        # Grouped convolution wants (*window, 1, channels · multiplier), channel by channel: the same order of elements.
        filters = ops.reshape(self.kernel, shape=(*self.kernel_size, 1, channels * self.depth_multiplier))
        y = ops.conv(
            x,
            filters,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
            groups=channels,
        )
        return self.activation(y + self.bias if self.use_bias else y)
