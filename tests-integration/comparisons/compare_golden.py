"""The files in golden/ are what the libraries write. `DOVETAIL_WRITE_GOLDEN=1 nox -s comparisons` writes them anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from dovetail_checkpointing.interchange import convert

from ..golden_files import GOLDEN, arrays
from ..twins import TWINS, Array
from . import keras_models, pytorch_models

# Keras's variables have an older form of __array__, which NumPy warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def pytorch(name: str, path: Path) -> Array:
    model = pytorch_models.built(name)
    torch.save(model.state_dict(), path)
    return pytorch_models.output(model, TWINS[name].input)


def keras(name: str, path: Path) -> Array:
    model = keras_models.built(name)
    model.save_weights(path)
    return keras_models.output(model, TWINS[name].input)


@pytest.mark.parametrize(("suffix", "make"), [(".pt", pytorch), (".weights.h5", keras)])
@pytest.mark.parametrize("name", TWINS)
def test_golden_files_hold_what_the_libraries_write(
    name: str, suffix: str, make: Callable[[str, Path], Array], tmp_path: Path
) -> None:
    path = tmp_path / f"{name}{suffix}"
    output = make(name, path)
    if os.environ.get("DOVETAIL_WRITE_GOLDEN"):
        path.replace(GOLDEN / path.name)
        np.save(GOLDEN / f"{name}{suffix}.output.npy", output)
        return
    convert(path, tmp_path / "new.npz")
    convert(GOLDEN / path.name, tmp_path / "golden.npz")
    assert arrays(tmp_path / "new.npz") == arrays(tmp_path / "golden.npz")
    expected = np.load(GOLDEN / f"{name}{suffix}.output.npy")
    np.testing.assert_allclose(output, expected, rtol=0, atol=TWINS[name].tolerance)
