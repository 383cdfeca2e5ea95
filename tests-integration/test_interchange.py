"""Weights of PyTorch and Keras in Dovetail's models, without either library: on files that they wrote.

`nox -s comparisons` does the same with the libraries themselves.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dovetail_checkpointing
from dovetail_checkpointing.interchange import NameMap, convert
from dovetail_modules import layers
from dovetail_protocols.roles import SupportsWeightLayout

from .golden_files import GOLDEN, arrays
from .twins import TWINS


@pytest.mark.parametrize("suffix", [".pt", ".weights.h5"])
@pytest.mark.parametrize("name", TWINS)
def test_models_agree_and_weights_come_back_to_the_bit(name: str, suffix: str, tmp_path: Path) -> None:
    twin, source = TWINS[name], GOLDEN / f"{name}{suffix}"
    names = NameMap(twin.pytorch if suffix == ".pt" else twin.keras)
    model = twin.built()
    convert(source, tmp_path / "model", like=model, names=names)
    dovetail_checkpointing.restore(tmp_path / "model", model, unexpected="ignore")
    expected = np.load(GOLDEN / f"{name}{suffix}.output.npy")
    np.testing.assert_allclose(twin.output(model), expected, rtol=0, atol=twin.tolerance)
    assert np.abs(expected).max() > 100 * twin.tolerance

    back = tmp_path / f"back{suffix}"
    convert(tmp_path / "model", back, like=model, names=names.inverse())
    convert(back, tmp_path / "back.npz")
    convert(source, tmp_path / "source.npz")
    assert arrays(tmp_path / "back.npz") == arrays(tmp_path / "source.npz")


def test_without_remainder_a_checkpoint_fits_its_module_exactly(tmp_path: Path) -> None:
    twin = TWINS["vision"]
    model = twin.built()
    result = convert(GOLDEN / "vision.pt", tmp_path / "a", like=model, names=twin.pytorch, remainder="drop")
    assert result.dropped == ("norm/num_batches_tracked",)
    dovetail_checkpointing.restore(tmp_path / "a", model)


def test_without_remainder_the_sum_of_two_biases_is_written_as_one_and_a_zero(tmp_path: Path) -> None:
    twin, names = TWINS["sequence"], NameMap(TWINS["sequence"].pytorch)
    model = twin.built()
    result = convert(GOLDEN / "sequence.pt", tmp_path / "a", like=model, names=names, remainder="drop")
    assert set(result.dropped) == {"lstm/bias_ih_l0", "lstm/bias_hh_l0"}
    convert(tmp_path / "a", tmp_path / "back.pt", like=model, names=names.inverse())
    for name in ("back", "source"):
        convert(tmp_path / "back.pt" if name == "back" else GOLDEN / "sequence.pt", tmp_path / f"{name}.npz")
    with np.load(tmp_path / "back.npz") as back, np.load(tmp_path / "source.npz") as source:
        assert np.array_equal(back["lstm.bias_ih_l0"], source["lstm.bias_ih_l0"] + source["lstm.bias_hh_l0"])
        assert not back["lstm.bias_hh_l0"].any()
        assert np.array_equal(back["gru.bias_hh_l0"], source["gru.bias_hh_l0"])


def test_every_layer_with_weights_says_its_layout() -> None:
    """A layer that doesn't would be converted by name, its kernels untransposed."""
    made = {
        "dense": layers.Dense(1),
        "convolution": layers.Conv2D(1, 1),
        "depthwise_convolution": layers.DepthwiseConv2D(1),
        "batch_normalization": layers.BatchNormalization(),
        "layer_normalization": layers.LayerNormalization(),
        "rms_normalization": layers.RMSNormalization(),
        "embedding": layers.Embedding(1, 1),
        "lstm": layers.LSTM(1),
        "gru": layers.GRU(1),
        "multi_head_attention": layers.MultiHeadAttention(1, 1),
    }
    with_weights = {
        name
        for name in layers.__all__
        if isinstance(getattr(layers, name), type) and "add_weight" in vars_of(getattr(layers, name))
    }
    silent = {name for name in with_weights if not hasattr(getattr(layers, name), "weight_layout")} - {"Layer"}
    assert silent == set()
    assert all(isinstance(layer, SupportsWeightLayout) for layer in made.values())
    assert {name: layer.weight_layout for name, layer in made.items()} == {name: name for name in made}


def vars_of(kind: type) -> set[str]:
    """The names that a class's `build` uses, its bases' too."""
    builds = [vars(base)["build"] for base in kind.__mro__ if "build" in vars(base)]
    return {name for build in builds for name in build.__code__.co_names}
