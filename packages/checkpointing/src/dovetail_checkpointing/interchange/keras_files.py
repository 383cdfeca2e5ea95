"""Keras's weights: `.weights.h5` files, and those inside of `.keras` archives. A `.keras` file's configuration, which
makes Keras run code, is never looked at.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError, DTypeError

from . import hdf5_files
from .contents import Contents
from .files import opened, replacing
from .limits import ForeignLimits
from .zip_archives import archive

_WEIGHTS = "model.weights.h5"
_SUFFIX = ".weights.h5"


@contextmanager
def reading(path: Path, limits: ForeignLimits) -> Iterator[Contents]:
    """The weights of a file by their paths, such as "layers/dense/vars/0".

    Raises: CheckpointCorruptError, CheckpointUnsafeError, DTypeError.
    """
    if path.name.endswith(".keras"):
        with archive(path, limits) as found, tempfile.TemporaryFile() as weights:
            if _WEIGHTS not in found.members:
                raise CheckpointCorruptError("a .keras file has no weights", where=str(path), expected=_WEIGHTS)
            found.copy(_WEIGHTS, weights)
            weights.flush()
            with hdf5_files.reading(weights, limits, f"{path}: {_WEIGHTS}") as arrays:
                yield Contents(arrays)
    else:
        with opened(path) as file, hdf5_files.reading(file, limits, str(path)) as arrays:
            yield Contents(arrays)


def write(path: Path, contents: Contents, *, overwrite: bool = False) -> None:
    """Writes a `.weights.h5` file, atomically, for Keras's `model.load_weights`.

    Raises: CheckpointError for another suffix and where storage fails, DTypeError for the float8 types.
    """
    if not path.name.endswith(_SUFFIX):
        raise CheckpointError(
            "Keras's weights can be written to a .weights.h5 file only",
            where=str(path),
            cause="a .keras file holds a program's configuration too",
            fix="write .weights.h5, and call model.load_weights() on it",
        )
    for name, array in contents.arrays.items():
        if array.dtype.startswith("float8"):
            raise DTypeError("HDF5 has no such dtype", where=f"{path}: {name!r}", got=array.dtype)
    with replacing(path, overwrite=overwrite) as file, hdf5_files.library().File(file, "w") as written:
        for name, array in contents.arrays.items():
            if array.dtype == "bfloat16":  # as Keras does: opaque bytes, and a note
                dataset = written.create_dataset(name, data=array.read().view(np.dtype("V2")), track_times=False)
                dataset.attrs["dtype"] = "bfloat16"
            else:
                written.create_dataset(name, data=array.read(), track_times=False)
