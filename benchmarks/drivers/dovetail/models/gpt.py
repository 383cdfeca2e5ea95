"""The small GPT."""

from typing import Any

import dovetail as dt
from benchmarks.drivers.dovetail.models.model import Model
from benchmarks.workloads import gpt


def _normalization() -> Any:
    return dt.layers.LayerNormalization(epsilon=gpt.EPSILON)


class Block(dt.Module):
    """Attention and a perceptron, each after a normalization and added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.normalization_1 = _normalization()
        self.query_key_value = dt.layers.Dense(3 * gpt.WIDTH)
        self.projection = dt.layers.Dense(gpt.WIDTH)
        self.normalization_2 = _normalization()
        self.expansion = dt.layers.Dense(4 * gpt.WIDTH, activation="gelu")
        self.contraction = dt.layers.Dense(gpt.WIDTH)

    def __call__(self, x: Any) -> Any:
        x = x + self.attend(self.normalization_1(x))
        return x + self.contraction(self.expansion(self.normalization_2(x)))

    def attend(self, x: Any) -> Any:
        """Causal attention of the heads, projected."""
        batch, length, width = x.shape
        packed = dt.reshape(self.query_key_value(x), (batch, length, 3, gpt.HEADS, width // gpt.HEADS))
        packed = dt.permute_dims(packed, (2, 0, 3, 1, 4))
        mixed = dt.operations.scaled_dot_product_attention(packed[0], packed[1], packed[2], None, is_causal=True)
        return self.projection(dt.reshape(dt.permute_dims(mixed, (0, 2, 1, 3)), (batch, length, width)))


class Gpt(Model):
    """Token and position embeddings, blocks, a last normalization and the output layer."""

    def __init__(self) -> None:
        super().__init__()
        self.token_embedding = dt.layers.Embedding(gpt.VOCABULARY, gpt.WIDTH)
        self.position_embeddings = dt.Variable(dt.zeros((gpt.LENGTH, gpt.WIDTH)))
        self.blocks = [Block() for _ in range(gpt.LAYERS)]
        self.normalization = _normalization()
        self.output = dt.layers.Dense(gpt.VOCABULARY)

    def __call__(self, inputs: Any) -> Any:
        x = self.token_embedding(inputs) + self.position_embeddings
        for block in self.blocks:
            x = block(x)
        return self.output(self.normalization(x))
