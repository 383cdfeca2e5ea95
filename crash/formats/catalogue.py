"""Every format by name, and how to get at it."""

from __future__ import annotations

from importlib import import_module

from crash.formats.format import Format

OURS = "dovetail"
FORMATS = {
    OURS: "dovetail",
    "torch-save": "torch_save",
    "torch-dcp": "torch_distributed",
    "safetensors": "safetensors_file",
    "orbax": "orbax",
    "numpy-npz": "numpy_npz",
    "flax-msgpack": "flax_msgpack",
}


def load_format(name: str) -> Format:
    """Imports a format with its library.

    Raises: ImportError where that is not installed.
    """
    found: Format = import_module(f"crash.formats.{FORMATS[name]}").FORMAT
    return found
