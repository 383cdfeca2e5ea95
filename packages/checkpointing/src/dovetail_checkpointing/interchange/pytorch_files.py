"""PyTorch's files (.pt, .pth): the zip format of torch.save, read and written without PyTorch.

The pickle inside is read as data: only what rebuilds tensors is known, and anything else is refused by name. Source:
torch/serialization.py and torch/_utils.py of PyTorch 2.13, and its notes on serialization semantics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError

from . import pickles
from .contents import Contents, Scalar, StoredArray
from .files import opened as opened_file
from .limits import ForeignLimits
from .pytorch_tensors import Storages, is_known, tensor
from .pytorch_writing import write
from .rules import array_name, totals, within
from .zip_archives import Archive, archive

__all__ = ["reading", "write"]

_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of PyTorch before 1.6 begin."""


@contextmanager
def reading(path: Path, limits: ForeignLimits) -> Iterator[Contents]:
    """The tensors and plain values of a file, by their keys joined with "."; each tensor is read when it is asked for.

    Raises: CheckpointCorruptError, CheckpointUnsafeError for whatever would need code, DTypeError.
    """
    _refuse_other_formats(path)
    with archive(path, limits, stored_only=True) as found:
        root = _root(found)
        if f"{root}/constants.pkl" in found.members:
            raise CheckpointUnsafeError(
                "this is a TorchScript program, not a state dict",
                where=str(path),
                fix="save module.state_dict() instead",
            )
        within("the size of the pickle", found.members[f"{root}/data.pkl"].file_size, limits, "header_bytes", str(path))
        tree = pickles.load(found.read(f"{root}/data.pkl"), is_known, str(path))
        reader = _Reader(Storages(found, root), limits, str(path))
        reader.visit((), tree)
        totals(reader.arrays.values(), sum(info.file_size for info in found.members.values()), limits, str(path))
        yield Contents(reader.arrays, reader.scalars)


def _refuse_other_formats(path: Path) -> None:
    with opened_file(path) as file:
        start = file.read(len(_LEGACY))
    if start == _LEGACY:
        raise CheckpointUnsafeError(
            "this file was saved in PyTorch's format before 1.6, which is a pickle as a whole",
            where=str(path),
            fix="load it with PyTorch and torch.save() its state dict again, or pass allow_code_execution=True",
        )


def _root(found: Archive) -> str:
    roots = [name.removesuffix("/data.pkl") for name in found.members if name.count("/") == 1 and "/data.pkl" in name]
    if len(roots) != 1:
        raise CheckpointCorruptError(
            "this is no file of torch.save",
            where=found.where,
            expected="one member …/data.pkl",
            got=f"{len(roots)} of them",
        )
    return roots[0]


class _Reader:
    """Takes the tree in a pickle apart."""

    def __init__(self, storages: Storages, limits: ForeignLimits, where: str) -> None:
        self.arrays: dict[str, StoredArray] = {}
        self.scalars: dict[str, Scalar] = {}
        self.storages, self.limits, self.where = storages, limits, where
        self.visited = 0

    def visit(self, keys: tuple[str, ...], value: Any) -> None:
        self.visited += 1  # shared containers are met again and again: a small pickle can stand for a large tree
        within("the number of values in the pickle", self.visited, self.limits, "arrays", self.where)
        within("the depth of the pickle", len(keys), self.limits, "depth", self.where)
        if isinstance(value, pickles.Call) and str(value.function) == "collections.OrderedDict":
            value = self._ordered(value)
        if isinstance(value, pickles.Call) and str(value.function) == "torch.Size":
            value = value.arguments[0] if len(value.arguments) == 1 else None
            if not isinstance(value, tuple):
                raise CheckpointCorruptError("a torch.Size isn't one", where=self.where)
        if isinstance(value, Mapping):
            for key, child in value.items():
                self.visit((*keys, self._key(key)), child)
        elif isinstance(value, list | tuple):
            for place, child in enumerate(value):
                self.visit((*keys, str(place)), child)
        else:
            self._leaf(keys, value)

    def _leaf(self, keys: tuple[str, ...], value: Any) -> None:
        name = array_name(".".join(keys), self.limits, self.where)
        if name in self.arrays or name in self.scalars:
            raise CheckpointUnsafeError("two values have one name", where=f"{self.where}: {name!r}")
        if isinstance(value, Scalar):
            self.scalars[name] = value
        elif isinstance(value, pickles.Call):
            self.arrays[name] = tensor(value, self.storages, self.limits, f"{self.where}: {name!r}")
        else:
            shown = str(value) if isinstance(value, pickles.Name) else type(value).__name__
            raise CheckpointUnsafeError(
                "a value is no tensor, number or text", where=f"{self.where}: {name!r}", got=shown
            )

    def _key(self, key: Any) -> str:
        if isinstance(key, str) or type(key) is int:
            return str(key)
        raise CheckpointUnsafeError("a key is no text or integer", where=self.where, got=repr(key)[:80])

    def _ordered(self, call: pickles.Call) -> Mapping[Any, Any]:
        """An OrderedDict's items. Its state, where PyTorch keeps the versions of modules, holds no weights."""
        if call.arguments:
            raise CheckpointUnsafeError("an OrderedDict is made in a way that PyTorch doesn't", where=self.where)
        return call.items
