"""Every layer, exported with its batch size left open, for inference and for training: the same bits, and the same
states afterwards, for batches of any size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail_checkpointing import export, load_program
from dovetail_protocols.plugins import use

L = dt.layers
IMAGES, SEQUENCES, VECTORS, CODES = (8, 8, 3), (6, 4), (5,), (6,)
LAYERS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "Activation": (lambda: L.Activation("gelu"), VECTORS),
    "AveragePooling1D": (lambda: L.AveragePooling1D(2), SEQUENCES),
    "AveragePooling2D": (lambda: L.AveragePooling2D(2, padding="same"), IMAGES),
    "BatchNormalization": (L.BatchNormalization, VECTORS),
    "Conv1D": (lambda: L.Conv1D(4, 3, strides=2), SEQUENCES),
    "Conv2D": (lambda: L.Conv2D(4, 3, padding="same"), IMAGES),
    "Dense": (lambda: L.Dense(3, activation="relu"), VECTORS),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(3), IMAGES),
    "Dropout": (lambda: L.Dropout(0.5), VECTORS),
    "Embedding": (lambda: L.Embedding(10, 4), CODES),
    "Flatten": (L.Flatten, IMAGES),
    "GRU": (lambda: L.GRU(3, return_sequences=True), SEQUENCES),
    "GlobalAveragePooling1D": (L.GlobalAveragePooling1D, SEQUENCES),
    "GlobalAveragePooling2D": (L.GlobalAveragePooling2D, IMAGES),
    "GlobalMaxPooling1D": (L.GlobalMaxPooling1D, SEQUENCES),
    "GlobalMaxPooling2D": (L.GlobalMaxPooling2D, IMAGES),
    "LSTM": (lambda: L.LSTM(3), SEQUENCES),
    "LayerNormalization": (L.LayerNormalization, VECTORS),
    "MaxPooling1D": (lambda: L.MaxPooling1D(2), SEQUENCES),
    "MaxPooling2D": (lambda: L.MaxPooling2D(2), IMAGES),
    "MultiHeadAttention": (lambda: Attending(), SEQUENCES),
    "RMSNormalization": (L.RMSNormalization, VECTORS),
    "Reshape": (lambda: L.Reshape((4, 48)), IMAGES),
    "Sequential": (lambda: L.Sequential([L.Conv2D(2, 3), L.BatchNormalization(), L.Flatten(), L.Dense(2)]), IMAGES),
}


class Attending(L.Layer):  # type: ignore[misc] # of a package without types here
    """Attention of sequences to themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = L.MultiHeadAttention(2, 3)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.attention(x, x, use_causal_mask=True)


class Modes(dt.Module):
    """A layer for inference and for training."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer
        self.infer = dt.function(lambda x: layer(x))
        self.train = dt.function(lambda x: layer(x, training=True))


def test_every_layer_is_here() -> None:
    assert LAYERS.keys() == {name for name in dir(L) if name[0].isupper() and name != "Layer"}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_exported_for_batches_of_any_size(name: str, tmp_path: Path) -> None:
    make, sizes = LAYERS[name]
    random = np.random.default_rng(0)

    def batch(rows: int) -> Any:
        given = random.normal(size=(rows, *sizes)).astype(np.float32)
        return np.abs(given * 3).astype(np.int32) if sizes == CODES else given

    with use("numpy", only=True):
        layer = make()
        layer(batch(2))
        modes = Modes(layer)
        spec = dt.TensorSpec([None, *sizes], str(batch(1).dtype))
        for function in (modes.infer, modes.train):
            function.get_concrete_function(spec)
        export(tmp_path / "layer", modes)
        loaded = load_program(tmp_path / "layer")
        for rows in (1, 3, 8):
            x = batch(rows)
            assert np.asarray(loaded.train(x)).tobytes() == np.asarray(modes.train(x)).tobytes()
            assert np.asarray(loaded.infer(x)).tobytes() == np.asarray(modes.infer(x)).tobytes()
    for mine, original in zip(loaded.variables, modes.variables, strict=True):
        assert np.asarray(mine).tobytes() == np.asarray(original).tobytes()
