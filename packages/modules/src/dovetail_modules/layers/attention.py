"""Attention with several heads."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider

from ..random_state import draw, initial_state
from .layer import Layer
from .options import positive, rank_checked


class MultiHeadAttention(Layer):
    """Attention in `num_heads` subspaces of `key_dim` (values: `value_dim`), joined by a projection to `output_shape`
    features (as many as the query has, if None).

    query: (batch, target, features), value: (batch, source, features), key: as value, which stands for it if left out →
    (batch, target, output features). `attention_mask`: bool, (batch, target, source) or broadcasting to it, true where
    attention is allowed. `use_causal_mask=True` lets each target see sources up to its own place only.

    Kernels follow Keras: query, key, value (features, heads, size); output (heads, size, features).

    Source: A. Vaswani et al., Attention is all you need, 2017, section 3.2.
    """

    weight_layout = "multi_head_attention"

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.num_heads = positive("MultiHeadAttention", "num_heads", num_heads)
        self.key_dim = positive("MultiHeadAttention", "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else positive("MultiHeadAttention", "value_dim", value_dim)
        self.dropout, self.use_bias, self.output_shape = dropout, use_bias, output_shape
        self._initializers = (kernel_initializer, bias_initializer)
        if dropout:
            self.random_state = provider().variable(initial_state(seed), name="random_state", trainable=False)

    # `call` takes several inputs, and `build` gets the shape of each.
    def build(  # type: ignore[override]
        self, query: tuple[int, ...], value: tuple[int, ...], key: tuple[int, ...] | None = None
    ) -> None:
        for shape in (query, value, key or value):
            rank_checked("MultiHeadAttention", shape, ("batch", "sequence", "features"))
        output = self.output_shape or int(query[-1])
        sizes = {"query": (query, self.key_dim), "key": (key or value, self.key_dim), "value": (value, self.value_dim)}
        kernel, bias = self._initializers
        for name, (shape, size) in sizes.items():
            weight = self.add_weight((int(shape[-1]), self.num_heads, size), kernel, name=f"{name}_kernel")
            setattr(self, f"{name}_kernel", weight)
            if self.use_bias:
                setattr(self, f"{name}_bias", self.add_weight((self.num_heads, size), bias, name=f"{name}_bias"))
        self.output_kernel = self.add_weight((self.num_heads, self.value_dim, output), kernel, name="output_kernel")
        if self.use_bias:
            self.output_bias = self.add_weight((output,), bias, name="output_bias")

    def call(
        self, query: Any, value: Any, key: Any = None, *, attention_mask: Any = None, use_causal_mask: bool = False
    ) -> Any:
        q, k, v = (
            self._project(name, x)
            for name, x in (("query", query), ("key", value if key is None else key), ("value", value))
        )
        mask = None if attention_mask is None else self._mask(attention_mask)
        if self.dropout and self.is_training:
            context = self._attend_with_dropout(q, k, v, mask, use_causal_mask)
        else:
            context = ops.scaled_dot_product_attention(q, k, v, mask, is_causal=use_causal_mask)
        batch, target = query.shape[0], query.shape[1]
        joined = ops.reshape(ops.permute_dims(context, axes=(0, 2, 1, 3)), shape=(batch, target, -1))
        output = self.output_kernel.shape[-1]
        y = joined @ ops.reshape(self.output_kernel, shape=(self.num_heads * self.value_dim, output))
        return y + self.output_bias if self.use_bias else y

    def _project(self, name: str, x: Any) -> Any:
        """x: (batch, sequence, features) → (batch, heads, sequence, size)."""
        kernel = getattr(self, f"{name}_kernel")
        features, heads, size = kernel.shape
        y = x @ ops.reshape(kernel, shape=(features, heads * size))
        if self.use_bias:
            y = y + ops.reshape(getattr(self, f"{name}_bias"), shape=(heads * size,))
        y = ops.reshape(y, shape=(x.shape[0], x.shape[1], heads, size))
        return ops.permute_dims(y, axes=(0, 2, 1, 3))

    def _mask(self, mask: Any) -> Any:
        """With an axis for the heads, where the mask has one for the batch."""
        return ops.expand_dims(mask, axis=1) if len(mask.shape) == 3 else mask

    def _attend_with_dropout(self, query: Any, key: Any, value: Any, mask: Any, is_causal: bool) -> Any:
        scores = query @ ops.matrix_transpose(key) * self.key_dim**-0.5
        if is_causal:
            target, source = query.shape[-2], key.shape[-2]
            ones = ops.full(shape=(target, source), fill_value=True, device=query.device)
            causal = ops.tril(ones, k=source - target)
            mask = causal if mask is None else ops.logical_and(mask, causal)
        if mask is not None:
            scores = ops.where(mask, scores, float("-inf"))
        weights = ops.softmax(scores)
        return ops.dropout(weights, draw(self.random_state, weights.shape), rate=self.dropout) @ value
