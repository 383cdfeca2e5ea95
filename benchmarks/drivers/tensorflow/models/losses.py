"""The loss that all models share."""

from typing import Any

import tensorflow as tf


def cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean cross-entropy of integer labels."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
