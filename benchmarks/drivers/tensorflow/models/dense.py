"""Perceptrons."""

from typing import Any

import tensorflow as tf

from benchmarks.drivers.tensorflow.models.losses import cross_entropy


def loss(parameters: dict[str, Any], x: Any, labels: Any) -> Any:
    """The mean cross-entropy."""
    count = len(parameters) // 2
    for index in range(count):
        x = tf.nn.bias_add(tf.matmul(x, parameters[f"layers/{index}/kernel"]), parameters[f"layers/{index}/bias"])
        if index < count - 1:
            x = tf.nn.relu(x)
    return cross_entropy(x, labels)
