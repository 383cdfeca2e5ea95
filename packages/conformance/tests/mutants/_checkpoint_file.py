"""An honest checkpoint format, small enough to be read whole; what the faulty ones are made of."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError, CheckpointMismatchError, StructureError
from dovetail_protocols.roles import SupportsCheckpoint

Leaves = dict[tuple[str, ...], Any]


def children_of(tree: Any) -> Mapping[str, Any] | None:
    """What a container or an object with state holds, by name; None for a leaf."""
    if isinstance(tree, SupportsCheckpoint):
        return tree.checkpoint_state()
    if isinstance(tree, Mapping):
        return tree
    return {str(place): child for place, child in enumerate(tree)} if isinstance(tree, list | tuple) else None


def leaves_of(tree: Any, path: tuple[str, ...] = ()) -> Leaves:
    """Arrays, variables and scalars by path."""
    children = children_of(tree)
    if children is None:
        return {path: tree}
    if not all(isinstance(name, str) for name in children):
        raise StructureError("a key is no str")
    return {p: leaf for name, child in children.items() for p, leaf in leaves_of(child, (*path, name)).items()}


def buffer_of(leaf: Any) -> Any:
    """The buffer of an array or variable; None for a scalar."""
    return leaf.payload if is_variable(leaf) else leaf if isinstance(leaf, np.ndarray) else None


def dtype_named(name: str) -> Any:
    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)


class Honest:
    """One file: a digest of what follows, the length of a header in JSON, the header, the bytes of all buffers."""

    # ------------------------------------------------------------------ saving

    def save(self, path: Path, tree: Any) -> None:
        data = self.encoded(leaves_of(tree))
        self.write(path, sha256(data).digest() + data)

    def write(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(path.name + ".tmp")
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)

    def encoded(self, leaves: Leaves) -> bytes:
        entries, buffers = [], []
        for path, leaf in leaves.items():
            buffer = buffer_of(leaf)
            if buffer is None:
                entries.append([path, type(leaf).__name__, leaf.hex() if isinstance(leaf, float) else leaf, 0])
            else:
                buffers.append(self.bytes_of(buffer))
                entries.append([path, buffer.dtype.name, buffer.shape, len(buffers[-1])])
        header = json.dumps(entries).encode()
        return len(header).to_bytes(8, "little") + header + b"".join(buffers)

    def bytes_of(self, buffer: Any) -> bytes:
        data: bytes = buffer.tobytes()
        return data

    # ------------------------------------------------------------------ restoring

    def restore(self, path: Path, tree: Any) -> Any:
        target = leaves_of(tree)
        found = self.decoded(self.read(path))
        found = self.matched(found, target)
        for name, value in found.items():
            self.check(name, value, target[name])
        self.assign(tree, target, found)
        return self.replaced(tree, found)

    def read(self, path: Path) -> bytes:
        if not path.exists():
            raise CheckpointError("there is no checkpoint", where=str(path))
        return self.verified(path.read_bytes())

    def verified(self, data: bytes) -> bytes:
        if sha256(data[32:]).digest() != data[:32]:
            raise CheckpointCorruptError("a checkpoint is damaged")
        return data[32:]

    def decoded(self, data: bytes) -> Leaves:
        end = 8 + int.from_bytes(data[:8], "little")
        found: Leaves = {}
        for path, kind, shape, size in json.loads(data[8:end]):
            if size or isinstance(shape, list):
                found[tuple(path)] = self.buffer_from(data[end : end + size], dtype_named(kind), shape)
                end += size
            else:
                found[tuple(path)] = float.fromhex(shape) if kind == "float" else shape
        return found

    def buffer_from(self, data: bytes, dtype: Any, shape: Any) -> Any:
        return np.frombuffer(data, dtype).reshape(shape).copy()

    def matched(self, found: Leaves, target: Leaves) -> Leaves:
        if set(found) != set(target):
            raise CheckpointMismatchError(f"names differ: {sorted(map(str, set(found) ^ set(target)))}")
        return found

    def check(self, name: Any, value: Any, leaf: Any) -> None:
        buffer = buffer_of(leaf)
        if buffer is not None and (buffer.dtype, buffer.shape) != (value.dtype, value.shape):
            raise CheckpointMismatchError(f"{name}: {value.dtype}{value.shape}, the target has {buffer.shape}")

    def assign(self, tree: Any, target: Leaves, found: Leaves) -> None:
        for path, leaf in target.items():
            if is_variable(leaf):
                leaf.replace(found[path])
        self.load_scalars(tree, (), found)

    def load_scalars(self, tree: Any, path: tuple[str, ...], found: Leaves) -> None:
        children = children_of(tree) or {}
        if isinstance(tree, SupportsCheckpoint):
            scalars = {name: found[*path, name] for name, child in children.items() if self.is_scalar(child)}
            tree.load_checkpoint_state(scalars)
        for name, child in children.items():
            self.load_scalars(child, (*path, name), found)

    def is_scalar(self, leaf: Any) -> bool:
        return children_of(leaf) is None and buffer_of(leaf) is None

    def replaced(self, tree: Any, found: Leaves, path: tuple[str, ...] = ()) -> Any:
        if isinstance(tree, SupportsCheckpoint) or is_variable(tree):
            return tree
        children = children_of(tree)
        if children is None:
            return found[path]
        made = {name: self.replaced(child, found, (*path, name)) for name, child in children.items()}
        return made if isinstance(tree, Mapping) else type(tree)(made.values())

    # ------------------------------------------------------------------ a part

    def partial(self, path: Path, tree: Any) -> tuple[list[str], list[str]]:
        target, found = leaves_of(tree), self.decoded(self.read(path))
        for name in set(target) & set(found):
            self.check(name, found[name], target[name])
            if is_variable(target[name]):
                target[name].replace(found[name])
        return [self.shown(name) for name in target if name not in found], self.left(found, target)

    def left(self, found: Leaves, target: Leaves) -> list[str]:
        return [self.shown(name) for name in found if name not in target]

    def shown(self, name: tuple[str, ...]) -> str:
        return "/".join(name)
