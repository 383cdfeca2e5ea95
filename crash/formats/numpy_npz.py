"""numpy.savez: a zip file of .npy files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from crash.formats.format import Format
from crash.formats.steps import one_path, steps
from crash.payloads import Arrays


def save(path: Path, arrays: Arrays) -> None:
    np.savez(path, allow_pickle=False, **arrays)


def load(path: Path, expected: Arrays) -> Mapping[str, Any]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


FORMAT = Format(
    name="numpy-npz",
    distributions=("numpy",),
    calls="numpy.savez(path, **arrays), numpy.load(path)",
    ways={"plain": one_path("checkpoint.npz", save, load), "steps": steps(".npz", save, load)},
)
