"""The twins as Keras users write them."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "numpy")

import keras
import numpy as np

from ..twins import EPSILON, Array, weights


def _vision() -> Any:
    return keras.Sequential(
        [
            keras.layers.Input((6, 6, 3)),
            keras.layers.Conv2D(4, 3, padding="same"),
            keras.layers.BatchNormalization(epsilon=EPSILON),
            keras.layers.ReLU(),
            keras.layers.DepthwiseConv2D(3, depth_multiplier=2),
            keras.layers.Conv2D(6, (2, 1), groups=2, use_bias=False),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(5),
        ]
    )


def _sequence() -> Any:
    tokens = keras.Input((7,), dtype="int32")
    x = keras.layers.Embedding(11, 8)(tokens)
    x = keras.layers.Conv1D(8, 3, padding="same")(x)
    x = keras.layers.LayerNormalization(epsilon=EPSILON)(x)
    x = keras.layers.Add()([x, keras.layers.MultiHeadAttention(2, 4)(x, x)])
    x = keras.layers.RMSNormalization(epsilon=EPSILON)(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.LSTM(6, return_sequences=True)(x)
    x = keras.layers.GRU(4)(x)
    return keras.Model(tokens, keras.layers.Dense(3)(x))


def built(name: str, *, blank: bool = False) -> Any:
    """The model with the weights of `twins`, or with those it has at first."""
    model = {"vision": _vision, "sequence": _sequence}[name]()
    if not blank:
        for place, variable in enumerate(model.weights):
            if variable.dtype == "float32":
                variable.assign(weights(tuple(variable.shape), place, variable.name))
    return model


def output(model: Any, x: Array) -> Array:
    return np.asarray(model(x, training=False))


def bits(model: Any) -> list[tuple[str, tuple[int, ...], bytes]]:
    """What two models have in common only if their weights are the same to the bit."""
    values = [np.asarray(variable.value) for variable in model.weights]
    return [(value.dtype.name, value.shape, value.tobytes()) for value in values]
