"""The LSTM, unrolled in the graph; the products with the inputs are one matrix product before it."""

from typing import Any

import tensorflow as tf

from benchmarks.drivers.tensorflow.models.losses import cross_entropy
from benchmarks.workloads import recurrent


def loss(parameters: dict[str, Any], sequences: Any, labels: Any) -> Any:
    """The mean cross-entropy of the classes told from the last output."""
    recurrent_kernel = parameters["lstm/recurrent_kernel"]
    inputs = tf.tensordot(tf.transpose(sequences, (1, 0, 2)), parameters["lstm/kernel"], 1) + parameters["lstm/bias"]
    output = cell = tf.zeros((recurrent.BATCH, recurrent.UNITS), sequences.dtype)
    for x in tf.unstack(inputs):
        input_gate, forget_gate, candidate, output_gate = tf.split(x + tf.matmul(output, recurrent_kernel), 4, axis=-1)
        cell = tf.sigmoid(forget_gate) * cell + tf.sigmoid(input_gate) * tf.tanh(candidate)
        output = tf.sigmoid(output_gate) * tf.tanh(cell)
    return cross_entropy(tf.matmul(output, parameters["dense/kernel"]) + parameters["dense/bias"], labels)
