"""Dovetail's twins of the models in comparisons/, how their layers are called there, and inputs and weights for all.

Every weight is a multiple of 1/2048 below a quarter, so that it is the same float32 wherever it is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dovetail_modules import layers
from dovetail_protocols import operations as ops
from dovetail_tensors import asarray

EPSILON = 1e-5
Array = np.ndarray[Any, Any]


def weights(shape: tuple[int, ...], place: int, name: str = "") -> Array:
    """The weights of the variable that comes at this place of a model; variances are positive."""
    count = int(np.prod(shape, dtype=np.int64))
    values = ((np.arange(count, dtype=np.int64) * 7919 + place * 104_729) % 1021 - 510) / 2048
    values = np.abs(values) + 0.5 if "var" in name else values
    return values.reshape(shape).astype(np.float32)


class Vision(layers.Layer):
    """Convolutions of each kind and a batch normalization. x: (batch, 6, 6, 3) → (batch, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Conv2D(4, 3, padding="same")
        self.norm = layers.BatchNormalization(epsilon=EPSILON)
        self.depthwise = layers.DepthwiseConv2D(3, depth_multiplier=2)
        self.grouped = layers.Conv2D(6, (2, 1), groups=2, use_bias=False)
        self.head = layers.Dense(5)

    def call(self, x: Any) -> Any:
        x = ops.maximum(self.norm(self.first(x)), 0.0)
        x = self.grouped(self.depthwise(x))
        return self.head(ops.mean(x, axis=(1, 2)))


class Sequence(layers.Layer):
    """Everything that reads sequences. x: (batch, 7), integers below 11 → (batch, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.table = layers.Embedding(11, 8)
        self.window = layers.Conv1D(8, 3, padding="same")
        self.norm = layers.LayerNormalization(epsilon=EPSILON)
        self.attention = layers.MultiHeadAttention(2, 4)
        self.scale = layers.RMSNormalization(epsilon=EPSILON)
        self.lstm = layers.LSTM(6, return_sequences=True)
        self.gru = layers.GRU(4)
        self.head = layers.Dense(3)

    def call(self, x: Any) -> Any:
        x = self.norm(self.window(self.table(x)))
        x = self.scale(x + self.attention(x, x))
        return self.head(self.gru(self.lstm(x)))


@dataclass(frozen=True)
class Twin:
    """A model: how to make it, an input, and its layers' names in PyTorch and Keras.

    `roundings`: at most so many operations that round lie between a weight and an output of two implementations: each
    sums up products in its own order, of as many terms as its layers have inputs in a row. No intermediate value is
    above `magnitude`. So two outputs differ by at most 2 · roundings · magnitude · 2⁻²⁴.
    """

    make: Callable[[], layers.Layer]
    input: Array
    pytorch: dict[str, str]
    keras: dict[str, str]
    roundings: int
    magnitude: float

    @property
    def tolerance(self) -> float:
        return 2 * self.roundings * self.magnitude * 2.0**-24

    def built(self) -> layers.Layer:
        """The model, with its variables made."""
        model = self.make()
        model(asarray(self.input))
        return model

    def output(self, model: layers.Layer) -> Array:
        return np.asarray(model(asarray(self.input)))


TWINS = {
    "vision": Twin(
        Vision,
        weights((2, 6, 6, 3), 1),
        {
            "features.0.*": "first/*",
            "features.1.*": "norm/*",
            "features.3.*": "depthwise/*",
            "features.4.*": "grouped/*",
        },
        {
            "layers/conv2d/*": "first/*",
            "layers/batch_normalization/*": "norm/*",
            "layers/depthwise_conv2d/*": "depthwise/*",
            "layers/conv2d_1/*": "grouped/*",
            "layers/dense/*": "head/*",
        },
        roundings=3 * 9 + 4 + 9 + 8 + 12 + 6 + 10,
        magnitude=4.0,
    ),
    "sequence": Twin(
        Sequence,
        (np.arange(14).reshape(2, 7) * 5 % 11).astype(np.int32),
        {
            "embed.*": "table/*",
            "window.*": "window/*",
            "norm.*": "norm/*",
            "self_attn.*": "attention/*",
            "rms.*": "scale/*",
        },
        {
            "layers/embedding/*": "table/*",
            "layers/conv1d/*": "window/*",
            "layers/layer_normalization/*": "norm/*",
            "layers/multi_head_attention/*": "attention/*",
            "layers/rms_normalization/*": "scale/*",
            "layers/lstm/*": "lstm/*",
            "layers/gru/*": "gru/*",
            "layers/dense/*": "head/*",
        },
        roundings=24 + 20 + 8 * 4 + 10 + 7 * (8 + 6 + 10) + 7 * (6 + 4 + 10) + 4,
        magnitude=4.0,
    ),
}
