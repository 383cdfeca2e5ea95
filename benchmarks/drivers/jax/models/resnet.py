"""ResNet-18, CIFAR form."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from benchmarks.drivers.jax.models.losses import cross_entropy
from benchmarks.workloads import resnet

Parameters = dict[str, Array]


def loss(parameters: Parameters, images: Array, labels: Array) -> tuple[Array, Parameters]:
    """The mean cross-entropy with batch statistics, and the moving statistics after it."""
    updates: Parameters = {}
    return cross_entropy(_logits(parameters, images, updates), labels), updates


def inference(parameters: Parameters, images: Array) -> Array:
    """The logits with moving statistics."""
    return _logits(parameters, images, None)


def _logits(parameters: Parameters, images: Array, updates: Parameters | None) -> Array:
    """With `updates`, train: use batch statistics and put the new moving ones there."""
    x = jax.nn.relu(_convolution(parameters, "stem", images, 1, updates))
    for index, (_, _, stride) in enumerate(resnet.block_plan()):
        x = _block(parameters, f"blocks/{index}", x, stride, updates)
    return jnp.mean(x, axis=(1, 2)) @ parameters["dense/kernel"] + parameters["dense/bias"]


def _block(parameters: Parameters, name: str, x: Array, stride: int, updates: Parameters | None) -> Array:
    y = jax.nn.relu(_convolution(parameters, f"{name}/convolution_1", x, stride, updates))
    y = _convolution(parameters, f"{name}/convolution_2", y, 1, updates)
    if f"{name}/projection/kernel" in parameters:
        x = _convolution(parameters, f"{name}/projection", x, stride, updates)
    return jax.nn.relu(x + y)


def _convolution(parameters: Parameters, name: str, x: Array, stride: int, updates: Parameters | None) -> Array:
    """A convolution and its normalization."""
    kernel = parameters[f"{name}/kernel"]
    side = kernel.shape[0] // 2
    x = lax.conv_general_dilated(
        x, kernel, (stride, stride), ((side, side), (side, side)), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return _normalize(parameters, f"{name}_normalization", x, updates)


def _normalize(parameters: Parameters, name: str, x: Array, updates: Parameters | None) -> Array:
    mean, variance = parameters[f"{name}/moving_mean"], parameters[f"{name}/moving_variance"]
    if updates is not None:
        keep = resnet.STATISTICS_MOMENTUM
        batch_mean, batch_variance = jnp.mean(x, axis=(0, 1, 2)), jnp.var(x, axis=(0, 1, 2))
        updates[f"{name}/moving_mean"] = keep * mean + (1 - keep) * batch_mean
        updates[f"{name}/moving_variance"] = keep * variance + (1 - keep) * batch_variance
        mean, variance = batch_mean, batch_variance
    scale = parameters[f"{name}/gamma"] * lax.rsqrt(variance + resnet.EPSILON)
    return x * scale + (parameters[f"{name}/beta"] - mean * scale)
