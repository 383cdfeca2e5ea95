"""Keras's weights. Dovetail's layers have Keras's axes and gates; Keras numbers what Dovetail names.

Source: `save_own_variables` of Keras 3's layers, in keras/src/layers.
"""

from __future__ import annotations

from collections.abc import Mapping

from .part import Part, same

_ORDER = {
    "dense": ("kernel", "bias"),
    "convolution": ("kernel", "bias"),
    "depthwise_convolution": ("kernel", "bias"),
    "transposed_convolution": ("kernel", "bias"),
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "layer_normalization": ("gamma", "beta"),
    "group_normalization": ("gamma", "beta"),
    "rms_normalization": ("scale",),
    "embedding": ("embeddings",),
    "lstm": ("kernel", "recurrent_kernel", "bias"),
    "gru": ("kernel", "recurrent_kernel", "bias"),
}
_BELOW = {"lstm": "cell/", "gru": "cell/"}


def parts(layout: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Part, ...]:
    """The parts of a layer that has these variables."""
    if layout == "multi_head_attention":
        return tuple(
            same(f"{name}_{kind}", f"{name}_dense/vars/{place}")
            for name in ("query", "key", "value", "output")
            for place, kind in enumerate(("kernel", "bias"))
            if f"{name}_{kind}" in shapes
        )
    present = [name for name in _ORDER[layout] if name in shapes]
    return tuple(same(name, f"{_BELOW.get(layout, '')}vars/{place}") for place, name in enumerate(present))


def is_remainder(_: str) -> bool:
    """Keras keeps nothing beside weights that a layer of Dovetail doesn't have."""
    return False


LAYOUTS = frozenset({*_ORDER, "multi_head_attention"})
