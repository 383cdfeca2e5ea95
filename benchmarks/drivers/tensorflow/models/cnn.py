"""The small convolutional network."""

from typing import Any

import tensorflow as tf

from benchmarks.drivers.tensorflow.models.losses import cross_entropy


def loss(parameters: dict[str, Any], images: Any, labels: Any) -> Any:
    """The mean cross-entropy."""
    x = _convolution(parameters, "convolution_1", images)
    x = tf.nn.max_pool2d(_convolution(parameters, "convolution_2", x), 2, 2, "VALID")
    x = tf.nn.max_pool2d(_convolution(parameters, "convolution_3", x), 2, 2, "VALID")
    x = tf.reshape(x, (x.shape[0], -1))
    x = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, parameters["dense_1/kernel"]), parameters["dense_1/bias"]))
    logits = tf.nn.bias_add(tf.matmul(x, parameters["dense_2/kernel"]), parameters["dense_2/bias"])
    return cross_entropy(logits, labels)


def _convolution(parameters: dict[str, Any], name: str, x: Any) -> Any:
    x = tf.nn.conv2d(x, parameters[f"{name}/kernel"], 1, "SAME")
    return tf.nn.relu(tf.nn.bias_add(x, parameters[f"{name}/bias"]))
