"""safetensors: one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from crash.formats.format import Format, Way
from crash.payloads import Arrays


def save(root: Path, number: int, arrays: Arrays) -> None:
    save_file(arrays, root / "checkpoint.safetensors")


def load(root: Path, expected: Arrays) -> Mapping[str, Any]:
    found: Mapping[str, Any] = load_file(root / "checkpoint.safetensors")
    return found


FORMAT = Format(
    name="safetensors",
    distributions=("safetensors",),
    calls="safetensors.numpy.save_file(arrays, path), load_file(path)",
    ways={"plain": Way(save, load)},
)
