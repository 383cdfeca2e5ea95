"""ResNet-18, CIFAR form."""

from typing import Any

import tensorflow as tf

from benchmarks.drivers.tensorflow.models.losses import cross_entropy
from benchmarks.workloads import resnet

Parameters = dict[str, Any]


def loss(parameters: Parameters, images: Any, labels: Any) -> Any:
    """The mean cross-entropy with batch statistics; updates the moving statistics."""
    return cross_entropy(_logits(parameters, images, training=True), labels)


def inference(parameters: Parameters, images: Any) -> Any:
    """The logits with moving statistics."""
    return _logits(parameters, images, training=False)


def _logits(parameters: Parameters, images: Any, *, training: bool) -> Any:
    x = tf.nn.relu(_convolution(parameters, "stem", images, 1, training))
    for index, (_, _, stride) in enumerate(resnet.block_plan()):
        x = _block(parameters, f"blocks/{index}", x, stride, training)
    x = tf.matmul(tf.reduce_mean(x, axis=(1, 2)), parameters["dense/kernel"])
    return tf.nn.bias_add(x, parameters["dense/bias"])


def _block(parameters: Parameters, name: str, x: Any, stride: int, training: bool) -> Any:
    y = tf.nn.relu(_convolution(parameters, f"{name}/convolution_1", x, stride, training))
    y = _convolution(parameters, f"{name}/convolution_2", y, 1, training)
    if f"{name}/projection/kernel" in parameters:
        x = _convolution(parameters, f"{name}/projection", x, stride, training)
    return tf.nn.relu(x + y)


def _convolution(parameters: Parameters, name: str, x: Any, stride: int, training: bool) -> Any:
    """A convolution and its normalization."""
    kernel = parameters[f"{name}/kernel"]
    side = kernel.shape[0] // 2
    padding = "SAME" if stride == 1 else [[0, 0], [side, side], [side, side], [0, 0]]
    x = tf.nn.conv2d(x, kernel, stride, padding)
    gamma, beta = parameters[f"{name}_normalization/gamma"], parameters[f"{name}_normalization/beta"]
    mean = parameters[f"{name}_normalization/moving_mean"]
    variance = parameters[f"{name}_normalization/moving_variance"]
    if not training:
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, resnet.EPSILON)
    y, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=resnet.EPSILON)
    keep = resnet.STATISTICS_MOMENTUM
    mean.assign(keep * mean + (1 - keep) * batch_mean)
    variance.assign(keep * variance + (1 - keep) * batch_variance)
    return y
