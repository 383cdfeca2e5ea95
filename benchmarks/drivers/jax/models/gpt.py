"""The small GPT, with JAX's own attention."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from benchmarks.drivers.jax.models.losses import cross_entropy
from benchmarks.workloads import gpt

Parameters = dict[str, Array]


def loss(parameters: Parameters, tokens: Array, targets: Array) -> tuple[Array, Parameters]:
    """The mean cross-entropy of the next tokens."""
    x = parameters["token_embedding/embeddings"][tokens] + parameters["position_embeddings"]
    for index in range(gpt.LAYERS):
        block = f"blocks/{index}"
        x = x + _attention(parameters, block, _normalize(parameters, f"{block}/normalization_1", x))
        hidden = _dense(parameters, f"{block}/expansion", _normalize(parameters, f"{block}/normalization_2", x))
        x = x + _dense(parameters, f"{block}/contraction", jax.nn.gelu(hidden, approximate=False))
    return cross_entropy(_dense(parameters, "output", _normalize(parameters, "normalization", x)), targets), {}


def _attention(parameters: Parameters, block: str, x: Array) -> Array:
    batch, length, width = x.shape
    packed = _dense(parameters, f"{block}/query_key_value", x)
    packed = packed.reshape(batch, length, 3, gpt.HEADS, width // gpt.HEADS)
    mixed = jax.nn.dot_product_attention(packed[:, :, 0], packed[:, :, 1], packed[:, :, 2], is_causal=True)
    return _dense(parameters, f"{block}/projection", mixed.reshape(batch, length, width))


def _dense(parameters: Parameters, name: str, x: Array) -> Array:
    return x @ parameters[f"{name}/kernel"] + parameters[f"{name}/bias"]


def _normalize(parameters: Parameters, name: str, x: Array) -> Array:
    mean = jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.var(x, axis=-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + gpt.EPSILON) * parameters[f"{name}/gamma"] + parameters[f"{name}/beta"]
