"""What the reading process hands over: the bytes of all arrays in one file, and an index of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointSpaceError

from ..float_text import float_from_text, float_text
from ..tensor_bytes import numpy_dtype
from . import strict_json
from .contents import Contents, Scalar, StoredArray
from .files import opened, size_of, write_array
from .limits import ForeignLimits
from .rules import array_name, array_shape, known_dtype, size_bytes
from .stages import CountedFile, Stages

_DATA, _INDEX = "arrays", "index.json"
_ALIGNMENT = 64
_INDEX_BYTES = 1 << 30


def write(folder: Path, contents: Contents, stages: Stages) -> None:
    """Writes contents to a folder, one array in memory at a time; several names of one array are written once.

    Raises: CheckpointSpaceError where there is no room.
    """
    free = shutil.disk_usage(folder).free
    if contents.size_bytes > free:
        raise CheckpointSpaceError(
            "there is no room for a conversion",
            where=str(folder.parent),
            expected=f"{contents.size_bytes:,} bytes while it is under way, and as many for its result",
            got=f"{free:,} bytes free",
        )
    stages.begin(contents.size_bytes)
    places: dict[Hashable, int] = {}
    arrays = []
    with (folder / _DATA).open("xb") as file:
        for name, array in contents.arrays.items():
            identity = ("only", name) if array.identity is None else ("shared", array.identity)
            if identity not in places:
                file.write(bytes(-file.tell() % _ALIGNMENT))
                places[identity] = file.tell()
                write_array(CountedFile(file, stages), array.read())
            arrays.append([name, array.dtype, list(array.shape), places[identity]])
    scalars = [[name, *_encoded(value)] for name, value in contents.scalars.items()]
    index = {"arrays": arrays, "scalars": scalars, "metadata": dict(contents.metadata)}
    (folder / _INDEX).write_text(json.dumps(index), "utf-8")


def read(folder: Path, limits: ForeignLimits) -> Contents:
    """The contents of a folder, checked as those of any file: the process that wrote it may have been taken over.

    Raises: CheckpointCorruptError.
    """
    where = "the reading process"
    with opened(folder / _INDEX, beside=True) as file:
        index = strict_json.parse(file.read(_INDEX_BYTES), replace(limits, depth=4), where)
    with opened(folder / _DATA, beside=True) as file:
        data = np.memmap(file, np.uint8, "r") if size_of(file) else np.empty(0, np.uint8)
    try:
        arrays = {
            array_name(name, limits, where): _array(data, limits, where, *rest) for name, *rest in index["arrays"]
        }
        scalars = {array_name(name, limits, where): _decoded(*rest) for name, *rest in index["scalars"]}
        return Contents(arrays, scalars, {str(name): str(text) for name, text in index["metadata"].items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointCorruptError("a reading process handed over what isn't data", cause=str(error)[:200]) from error


def _array(
    data: np.ndarray[Any, Any], limits: ForeignLimits, where: str, dtype: str, shape: list[int], start: int
) -> StoredArray:
    checked = array_shape(shape, known_dtype(dtype, where, dtype), limits, where)
    stop = start + size_bytes(checked, dtype)
    if type(start) is not int or not 0 <= start <= stop <= max(data.size, start):
        raise ValueError(f"an array at {start}")

    def value() -> np.ndarray[Any, Any]:
        stored = data[start:stop].view(numpy_dtype(dtype).newbyteorder("<")).reshape(checked)
        return np.asarray(stored.astype(numpy_dtype(dtype), copy=False))

    return StoredArray(dtype, checked, value, (start, dtype, checked))


def _encoded(value: Scalar) -> tuple[str, str]:
    if isinstance(value, float):
        return "float", float_text(value)
    return type(value).__name__, str(value)


def _decoded(kind: str, text: str) -> Scalar:
    if kind == "bool":
        return text == "True"
    if kind == "NoneType":
        return None
    if kind == "float":
        return float_from_text(text)
    return int(text) if kind == "int" else text
