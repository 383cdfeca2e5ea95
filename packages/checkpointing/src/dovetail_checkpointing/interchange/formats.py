"""The formats that `convert` knows, and which one a path has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dovetail_protocols.errors import CheckpointError

DOVETAIL = "dovetail"


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its suffixes, the framework whose names and layouts it has (None: anybody's), the module that reads
    and writes it here, and whether its writing needs a library too."""

    name: str
    suffixes: tuple[str, ...]
    framework: str | None
    module: str
    library: str | None = None


ALL = (
    Format("huggingface", (".safetensors.index.json",), None, "huggingface_indexes"),
    Format("safetensors", (".safetensors",), None, "safetensors_files"),
    Format("numpy", (".npz",), None, "numpy_archives"),
    Format("pytorch", (".pt", ".pth", ".bin"), "pytorch", "pytorch_files"),
    Format("keras", (".weights.h5", ".keras", ".h5"), "keras", "keras_files", "h5py"),
    Format(DOVETAIL, (), DOVETAIL, "checkpoint_folders"),
)
_BY_NAME = {known.name: known for known in ALL}


def named(name: str) -> Format:
    """The format of that name.

    Raises: CheckpointError.
    """
    if name not in _BY_NAME:
        raise CheckpointError("unknown format", got=repr(name), expected=", ".join(_BY_NAME))
    return _BY_NAME[name]


def of(path: Path) -> Format:
    """The format that a path has by its suffix; a folder, or a name without suffix, is a checkpoint of Dovetail.

    Raises: CheckpointError.
    """
    for known in ALL:
        if path.name.endswith(known.suffixes):
            return known
    if path.is_dir() or not path.suffix or (path.name.startswith("step-") and not path.is_file()):
        return _BY_NAME[DOVETAIL]
    known_suffixes = ", ".join(suffix for known in ALL for suffix in known.suffixes)
    raise CheckpointError(
        "a file of this name has no known format",
        where=str(path),
        expected=f"one of {known_suffixes}, or a folder",
        fix='say the format, such as to="safetensors" or source_format="pytorch"',
    )
