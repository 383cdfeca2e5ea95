"""The small convolutional network."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from benchmarks.drivers.jax.models.losses import cross_entropy


def loss(parameters: dict[str, Array], images: Array, labels: Array) -> tuple[Array, dict[str, Array]]:
    """The mean cross-entropy."""
    x = _convolution(parameters, "convolution_1", images)
    x = _pool(_convolution(parameters, "convolution_2", x))
    x = _pool(_convolution(parameters, "convolution_3", x))
    x = x.reshape(len(x), -1)
    x = jax.nn.relu(x @ parameters["dense_1/kernel"] + parameters["dense_1/bias"])
    return cross_entropy(x @ parameters["dense_2/kernel"] + parameters["dense_2/bias"], labels), {}


def _convolution(parameters: dict[str, Array], name: str, x: Array) -> Array:
    x = lax.conv_general_dilated(
        x, parameters[f"{name}/kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return jax.nn.relu(x + parameters[f"{name}/bias"])


def _pool(x: Array) -> Array:
    """Maxima of 2×2 windows; on CPUs the gradient of this form is faster than that of `reduce_window`."""
    batch, height, width, channels = x.shape
    return jnp.max(x.reshape(batch, height // 2, 2, width // 2, 2, channels), axis=(2, 4))
