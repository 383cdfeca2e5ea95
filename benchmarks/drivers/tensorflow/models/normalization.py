"""Layer normalization, which TensorFlow has no kernel for."""

from typing import Any

import tensorflow as tf


def normalize(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """Zero mean and unit variance along the last axis, then scaled and shifted."""
    mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)
