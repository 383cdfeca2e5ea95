"""safetensors: one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from crash.formats.format import Format
from crash.formats.steps import one_path, steps
from crash.payloads import Arrays


def save(path: Path, arrays: Arrays) -> None:
    save_file(arrays, path)


def load(path: Path, expected: Arrays) -> Mapping[str, Any]:
    found: Mapping[str, Any] = load_file(path)
    return found


FORMAT = Format(
    name="safetensors",
    distributions=("safetensors",),
    calls="safetensors.numpy.save_file(arrays, path), load_file(path)",
    ways={"plain": one_path("checkpoint.safetensors", save, load), "steps": steps(".safetensors", save, load)},
)
