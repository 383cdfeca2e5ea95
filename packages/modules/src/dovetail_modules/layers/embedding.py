"""Embedding: integers to vectors."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .layer import Layer
from .options import positive


class Embedding(Layer):
    """The row of a table for each integer.

    x: any shape, integers in [0, input_dim) → (*x.shape, output_dim). embeddings: (input_dim, output_dim).
    """

    weight_layout = "embedding"

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "random_uniform",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.input_dim = positive("Embedding", "input_dim", input_dim)
        self.output_dim = positive("Embedding", "output_dim", output_dim)
        self._initializer = embeddings_initializer

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.embeddings = self.add_weight((self.input_dim, self.output_dim), self._initializer, name="embeddings")

    def call(self, x: Any) -> Any:
        return ops.embedding(self.embeddings, x)
