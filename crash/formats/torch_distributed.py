"""torch.distributed.checkpoint in one process: a folder of a data file and .metadata."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as distributed

from crash.formats.format import Format
from crash.formats.steps import one_path, steps
from crash.payloads import Arrays

torch.set_num_threads(1)
warnings.filterwarnings("ignore", message=".*torch.distributed is disabled.*")  # one process is what is tried


def save(path: Path, arrays: Arrays) -> None:
    distributed.save({name: torch.from_numpy(array) for name, array in arrays.items()}, checkpoint_id=path)


def load(path: Path, expected: Arrays) -> Mapping[str, Any]:
    state = {name: torch.zeros_like(torch.from_numpy(array)) for name, array in expected.items()}
    distributed.load(state, checkpoint_id=path)
    return {name: tensor.numpy() for name, tensor in state.items()}


FORMAT = Format(
    name="torch-dcp",
    distributions=("torch",),
    calls="torch.distributed.checkpoint.save(state, checkpoint_id=folder), load(state, checkpoint_id=folder)",
    ways={"plain": one_path("checkpoint", save, load), "steps": steps("", save, load)},
)
