"""numpy.savez: a zip file of .npy files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from crash.formats.format import Format, Way
from crash.payloads import Arrays


def save(root: Path, number: int, arrays: Arrays) -> None:
    np.savez(root / "checkpoint.npz", **arrays)  # type: ignore[arg-type] # names, not allow_pickle=


def load(root: Path, expected: Arrays) -> Mapping[str, Any]:
    with np.load(root / "checkpoint.npz") as archive:
        return {name: archive[name] for name in archive.files}


FORMAT = Format(
    name="numpy-npz",
    distributions=("numpy",),
    calls="numpy.savez(path, **arrays), numpy.load(path)",
    ways={"plain": Way(save, load)},
)
