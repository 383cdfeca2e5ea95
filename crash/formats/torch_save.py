"""torch.save and torch.load: one zip file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from crash.formats.format import Format
from crash.formats.steps import one_path, steps
from crash.payloads import Arrays

torch.set_num_threads(1)


def save(path: Path, arrays: Arrays) -> None:
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)


def load(path: Path, expected: Arrays) -> Mapping[str, Any]:
    return {name: tensor.numpy() for name, tensor in torch.load(path, weights_only=True).items()}


FORMAT = Format(
    name="torch-save",
    distributions=("torch",),
    calls="torch.save(state, path), torch.load(path, weights_only=True)",
    ways={"plain": one_path("checkpoint.pt", save, load), "steps": steps(".pt", save, load)},
)
