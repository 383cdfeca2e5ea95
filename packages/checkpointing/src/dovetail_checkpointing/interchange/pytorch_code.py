"""PyTorch's files read by PyTorch itself, which runs whatever code is in them: for `allow_code_execution=True` only,
and in the reading process, which has neither network nor other programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from dovetail_protocols.errors import CheckpointError, CheckpointMismatchError, MissingPackageError

from ..tensor_bytes import numpy_dtype
from .contents import Contents, Scalar, StoredArray
from .limits import ForeignLimits
from .rules import array_name, known_dtype, within


@contextmanager
def reading(path: Path, limits: ForeignLimits) -> Iterator[Contents]:
    """The tensors and plain values of a file; of a module, its state dict.

    Raises: MissingPackageError where PyTorch isn't installed, CheckpointError where it can't load the file.
    """
    try:
        torch: Any = import_module("torch")  # no dependency of this package, not even an optional one: it is the user's
    except ImportError as error:
        raise MissingPackageError("allow_code_execution needs PyTorch", fix="pip install torch") from error
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"[:500]
        raise CheckpointError("PyTorch can't load this file", where=str(path), cause=cause) from error
    arrays: dict[str, StoredArray] = {}
    scalars: dict[str, Scalar] = {}

    def visit(keys: tuple[str, ...], value: Any) -> None:
        within("the depth of a file", len(keys), limits, "depth", str(path))
        if isinstance(value, torch.nn.Module):
            value = value.state_dict()
        if isinstance(value, Mapping):
            for key, child in value.items():
                visit((*keys, str(key)), child)
        elif isinstance(value, list | tuple):
            for place, child in enumerate(value):
                visit((*keys, str(place)), child)
        elif isinstance(value, torch.Tensor):
            arrays[array_name(".".join(keys), limits, str(path))] = _array(torch, value, str(path))
        elif isinstance(value, Scalar):
            scalars[array_name(".".join(keys), limits, str(path))] = value
        else:
            kind = type(value).__name__
            raise CheckpointMismatchError("a value is no tensor, number or text", where=".".join(keys), got=kind)

    visit((), loaded)
    yield Contents(arrays, scalars)


def _array(torch: Any, tensor: Any, where: str) -> StoredArray:
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    dtype = known_dtype(str(plain.dtype).removeprefix("torch."), where, plain.dtype)
    shape = tuple(int(size) for size in plain.shape)

    def read() -> np.ndarray[Any, Any]:
        flat: np.ndarray[Any, Any] = plain.reshape(-1).view(torch.uint8).numpy()
        return flat.view(numpy_dtype(dtype)).reshape(shape)

    return StoredArray(dtype, shape, read, id(tensor))
