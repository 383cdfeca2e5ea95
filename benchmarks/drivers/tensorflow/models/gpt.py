"""The small GPT."""

import math
from typing import Any

import tensorflow as tf

from benchmarks.drivers.tensorflow.models.losses import cross_entropy
from benchmarks.drivers.tensorflow.models.normalization import normalize
from benchmarks.workloads import gpt

Parameters = dict[str, Any]


def loss(parameters: Parameters, tokens: Any, targets: Any) -> Any:
    """The mean cross-entropy of the next tokens."""
    x = tf.gather(parameters["token_embedding/embeddings"], tokens) + parameters["position_embeddings"]
    x = tf.reshape(x, (-1, gpt.WIDTH))
    for index in range(gpt.LAYERS):
        block = f"blocks/{index}"
        x = x + _attention(parameters, block, _normalize(parameters, f"{block}/normalization_1", x))
        hidden = _dense(parameters, f"{block}/expansion", _normalize(parameters, f"{block}/normalization_2", x))
        x = x + _dense(parameters, f"{block}/contraction", tf.nn.gelu(hidden))
    logits = _dense(parameters, "output", _normalize(parameters, "normalization", x))
    return cross_entropy(logits, tf.reshape(targets, (-1,)))


def _attention(parameters: Parameters, block: str, x: Any) -> Any:
    size = gpt.WIDTH // gpt.HEADS
    packed = _dense(parameters, f"{block}/query_key_value", x)
    packed = tf.reshape(packed, (gpt.BATCH, gpt.LENGTH, 3, gpt.HEADS, size))
    query, key, value = tf.unstack(tf.transpose(packed, (2, 0, 3, 1, 4)))
    allowed = tf.linalg.band_part(tf.ones((gpt.LENGTH, gpt.LENGTH), tf.bool), -1, 0)
    scores = tf.matmul(query, key, transpose_b=True) / math.sqrt(size)
    mixed = tf.matmul(tf.nn.softmax(tf.where(allowed, scores, scores.dtype.min)), value)
    return _dense(parameters, f"{block}/projection", tf.reshape(tf.transpose(mixed, (0, 2, 1, 3)), (-1, gpt.WIDTH)))


def _dense(parameters: Parameters, name: str, x: Any) -> Any:
    return tf.nn.bias_add(tf.matmul(x, parameters[f"{name}/kernel"]), parameters[f"{name}/bias"])


def _normalize(parameters: Parameters, name: str, x: Any) -> Any:
    return normalize(x, parameters[f"{name}/gamma"], parameters[f"{name}/beta"], gpt.EPSILON)
