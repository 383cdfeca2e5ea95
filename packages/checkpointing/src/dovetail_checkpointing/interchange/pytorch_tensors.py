"""Tensors in PyTorch's pickles: a storage, and the offset, sizes and strides of a view of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from dovetail_protocols.dtypes import ALL
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError

from ..tensor_bytes import numpy_dtype
from .contents import StoredArray
from .limits import ForeignLimits
from .pickles import Call, Name, Persistent
from .rules import array_shape, known_dtype
from .zip_archives import Archive

STORAGES = {
    "bool": "BoolStorage",
    "int8": "CharStorage",
    "int16": "ShortStorage",
    "int32": "IntStorage",
    "int64": "LongStorage",
    "uint8": "ByteStorage",
    "bfloat16": "BFloat16Storage",
    "float16": "HalfStorage",
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "complex64": "ComplexFloatStorage",
    "complex128": "ComplexDoubleStorage",
}
"""PyTorch's class of storages for each dtype that has one; others have untyped storages."""
_DTYPES = {storage: dtype for dtype, storage in STORAGES.items()}
_UNTYPED = Name("torch.storage", "UntypedStorage")
_FUNCTIONS = {
    "collections": {"OrderedDict"},
    "torch": {"Size", *_DTYPES},
    "torch._utils": {"_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"},
    "torch.storage": {"UntypedStorage"},
}
_DTYPE_NAMES = frozenset(dtype.name for dtype in ALL)


def is_known(name: Name) -> bool:
    """Whether a name in a pickle is one that tensors are rebuilt with."""
    return name.name in _FUNCTIONS.get(name.module, ()) or (name.module == "torch" and name.name in _DTYPE_NAMES)


class Storages:
    """The storages of a file by key. The one read last is kept, for the tensors that share it."""

    def __init__(self, found: Archive, root: str) -> None:
        self._archive, self._root = found, root
        self._kept: tuple[str, bytes] = ("", b"")
        order = found.read(f"{root}/byteorder", 8) if f"{root}/byteorder" in found.members else b"little"
        if order not in (b"little", b"big"):
            raise CheckpointCorruptError("a file states no byte order", where=found.where, got=repr(order))
        self.byte_order = order.decode()

    def size_bytes(self, key: str, where: str) -> int:
        info = self._archive.members.get(f"{self._root}/data/{key}")
        if info is None:
            raise CheckpointCorruptError(
                "a tensor's storage is missing", where=where, expected=f"{self._root}/data/{key}"
            )
        return info.file_size

    def read(self, key: str) -> bytes:
        if self._kept[0] != key:
            self._kept = (key, self._archive.read(f"{self._root}/data/{key}"))
        return self._kept[1]


def tensor(call: Call, storages: Storages, limits: ForeignLimits, where: str) -> StoredArray:
    """The tensor that a call would rebuild.

    Raises: CheckpointCorruptError, CheckpointUnsafeError, DTypeError.
    """
    if call.state is not None or call.items:
        raise CheckpointUnsafeError("a tensor has state that isn't data", where=where)
    function, arguments = call.function.name, call.arguments
    if function == "_rebuild_parameter" and len(arguments) == 3 and isinstance(arguments[0], Call):
        inner = arguments[0]
        if inner.function.name == "_rebuild_parameter":
            raise CheckpointUnsafeError("a parameter of a parameter", where=where)
        return tensor(inner, storages, limits, where)
    if function == "_rebuild_tensor_v2" and len(arguments) in (6, 7):
        return _view(arguments[:6], None, arguments[6:], storages, limits, where)
    if function == "_rebuild_tensor_v3" and len(arguments) in (7, 8) and isinstance(arguments[6], Name):
        return _view(arguments[:6], arguments[6], arguments[7:], storages, limits, where)
    raise CheckpointUnsafeError("a value is no tensor, number or text", where=where, got=str(call.function))


def _view(
    arguments: tuple[Any, ...],
    stated: Name | None,
    rest: tuple[Any, ...],
    storages: Storages,
    limits: ForeignLimits,
    where: str,
) -> StoredArray:
    storage, offset, size, stride, _, hooks = arguments
    if isinstance(hooks, Call) and hooks.items:
        raise CheckpointUnsafeError("a tensor has hooks, which are code", where=where)
    key, dtype, declared = _storage(storage, stated, where)
    shape = array_shape(_integers(size, where), dtype, limits, where)
    strides = array_shape(_integers(stride, where), "bool", limits, where)
    item_bytes = numpy_dtype(dtype).itemsize
    stored = storages.size_bytes(key, where)
    is_whole = stored == declared * (item_bytes if stated is None else 1)
    if not is_whole or not _is_inside(offset, shape, strides, stored // item_bytes):
        raise CheckpointCorruptError(
            "a tensor isn't inside of its storage",
            where=where,
            got=f"offset {offset!r}, sizes {shape}, strides {strides} in {stored:,} bytes"[:300],
        )
    is_conjugate, is_negative = _signs(rest, where)

    def read() -> np.ndarray[Any, Any]:
        steps = tuple(step * item_bytes for step in strides)
        start = offset * item_bytes if all(shape) else 0
        view = np.ndarray(shape, numpy_dtype(dtype), storages.read(key), start, steps)
        array = view.astype(view.dtype, order="C", copy=True)
        array = array if storages.byte_order == sys.byteorder else array.byteswap()
        array = np.conjugate(array) if is_conjugate else array
        return np.negative(array) if is_negative else array

    return StoredArray(dtype, shape, read, (key, dtype, offset, shape, strides, is_conjugate, is_negative))


def _is_inside(offset: object, shape: tuple[int, ...], strides: tuple[int, ...], count: int) -> bool:
    """Whether a view stays inside of a storage of so many elements."""
    if type(offset) is not int or offset < 0 or len(shape) != len(strides):
        return False
    return 0 in shape or offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True)) < count


def _storage(value: Any, stated: Name | None, where: str) -> tuple[str, str, int]:
    """Key, dtype and declared length of a storage: in elements where its class says the dtype, else in bytes."""
    identity = value.identity if isinstance(value, Persistent) else None
    if not isinstance(identity, tuple) or len(identity) != 5 or identity[0] != "storage":
        raise CheckpointCorruptError("a tensor has no storage", where=where)
    _, kind, key, _, length = identity
    if not isinstance(kind, Name) or type(length) is not int or not isinstance(key, str) or not key.isdecimal():
        raise CheckpointCorruptError("a storage isn't described as PyTorch does", where=where)
    if (kind == _UNTYPED) != (stated is not None):
        raise CheckpointCorruptError("a storage and its tensor disagree on who says the dtype", where=where)
    written = stated.name if stated is not None else _DTYPES.get(kind.name)
    return key, known_dtype(written, where, str(stated or kind)), length


def _integers(value: Any, where: str) -> tuple[object, ...]:
    if isinstance(value, Call) and str(value.function) == "torch.Size" and len(value.arguments) == 1:
        value = value.arguments[0]
    if not isinstance(value, tuple):
        raise CheckpointCorruptError("sizes and strides must be tuples", where=where)
    return value


def _signs(rest: tuple[Any, ...], where: str) -> tuple[bool, bool]:
    """Whether a tensor is a lazily conjugated or negated view."""
    if not rest or rest[0] is None:
        return False, False
    flags = rest[0]
    if not isinstance(flags, Mapping) or not set(flags) <= {"conj", "neg"}:
        raise CheckpointUnsafeError("a tensor has state that isn't data", where=where)
    return bool(flags.get("conj")), bool(flags.get("neg"))
