"""Keras → Dovetail → Keras: the same bits, and models that agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dovetail_checkpointing
from dovetail_checkpointing.interchange import NameMap, convert

from ..twins import TWINS
from . import keras_models, pytorch_models

# Keras's variables have an older form of __array__, which NumPy warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
@pytest.mark.parametrize("name", TWINS)
def test_models_agree_and_weights_come_back_to_the_bit(name: str, suffix: str, tmp_path: Path) -> None:
    twin, theirs = TWINS[name], keras_models.built(name)
    ours = twin.built()
    names = NameMap(twin.keras)
    source = tmp_path / f"model{suffix}"
    theirs.save(source) if suffix == ".keras" else theirs.save_weights(source)
    convert(source, tmp_path / "model", like=ours, names=names)
    dovetail_checkpointing.restore(tmp_path / "model", ours, unexpected="ignore")
    expected = keras_models.output(theirs, twin.input)
    np.testing.assert_allclose(twin.output(ours), expected, rtol=0, atol=twin.tolerance)
    assert np.abs(expected).max() > 100 * twin.tolerance

    convert(tmp_path / "model", tmp_path / "again.weights.h5", like=ours, names=names.inverse())
    fresh = keras_models.built(name, blank=True)
    fresh.load_weights(tmp_path / "again.weights.h5")
    assert keras_models.bits(fresh) == keras_models.bits(theirs)


@pytest.mark.parametrize("name", TWINS)
def test_weights_go_on_from_pytorch_to_keras(name: str, tmp_path: Path) -> None:
    import torch

    twin, theirs = TWINS[name], pytorch_models.built(name)
    ours = twin.built()
    torch.save(theirs.state_dict(), tmp_path / "model.pt")
    convert(tmp_path / "model.pt", tmp_path / "model", like=ours, names=twin.pytorch, remainder="drop")
    names = NameMap(twin.keras).inverse()
    convert(tmp_path / "model", tmp_path / "model.weights.h5", like=ours, names=names)
    keras_model = keras_models.built(name, blank=True)
    keras_model.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(
        keras_models.output(keras_model, twin.input),
        pytorch_models.output(theirs, twin.input),
        rtol=0,
        atol=twin.tolerance,
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_dtypes_are_those_that_keras_writes(dtype: str, tmp_path: Path) -> None:
    import keras

    theirs = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3, dtype=dtype)])
    theirs.save_weights(tmp_path / "a.weights.h5")
    convert(tmp_path / "a.weights.h5", tmp_path / "b.safetensors")
    convert(tmp_path / "b.safetensors", tmp_path / "b.weights.h5")
    fresh = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3, dtype=dtype)])
    fresh.load_weights(tmp_path / "b.weights.h5")
    assert keras_models.bits(fresh) == keras_models.bits(theirs)
