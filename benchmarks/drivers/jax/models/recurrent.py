"""The LSTM as a scan; the products with the inputs are one matrix product before it."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from benchmarks.drivers.jax.models.losses import cross_entropy


def loss(parameters: dict[str, Array], sequences: Array, labels: Array) -> tuple[Array, dict[str, Array]]:
    """The mean cross-entropy of the classes told from the last output."""
    recurrent_kernel = parameters["lstm/recurrent_kernel"]
    inputs = jnp.swapaxes(sequences, 0, 1) @ parameters["lstm/kernel"] + parameters["lstm/bias"]

    def step(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], None]:
        output, cell = state
        input_gate, forget_gate, candidate, output_gate = jnp.split(x + output @ recurrent_kernel, 4, axis=-1)
        cell = jax.nn.sigmoid(forget_gate) * cell + jax.nn.sigmoid(input_gate) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(output_gate) * jnp.tanh(cell), cell), None

    zeros = jnp.zeros((len(sequences), recurrent_kernel.shape[0]), sequences.dtype)
    (last, _), _ = lax.scan(step, (zeros, zeros), inputs)  # unrolling it was slower on CPUs
    return cross_entropy(last @ parameters["dense/kernel"] + parameters["dense/bias"], labels), {}
