"""torch.save and torch.load: one zip file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from crash.formats.format import Format, Way
from crash.payloads import Arrays

torch.set_num_threads(1)


def save(root: Path, number: int, arrays: Arrays) -> None:
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, root / "checkpoint.pt")


def load(root: Path, expected: Arrays) -> Mapping[str, Any]:
    found = torch.load(root / "checkpoint.pt", weights_only=True)
    return {name: tensor.numpy() for name, tensor in found.items()}


FORMAT = Format(
    name="torch-save",
    distributions=("torch",),
    calls="torch.save(state, path), torch.load(path, weights_only=True)",
    ways={"plain": Way(save, load)},
)
