"""flax.serialization: msgpack in a file, written by the user's own call of open, as Flax's guide shows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flax.serialization

from crash.formats.format import Format, Way
from crash.payloads import Arrays


def save(root: Path, number: int, arrays: Arrays) -> None:
    with open(root / "checkpoint.msgpack", "wb") as file:
        file.write(flax.serialization.msgpack_serialize(dict(arrays)))


def load(root: Path, expected: Arrays) -> Mapping[str, Any]:
    with open(root / "checkpoint.msgpack", "rb") as file:
        found: Mapping[str, Any] = flax.serialization.msgpack_restore(file.read())
    return found


FORMAT = Format(
    name="flax-msgpack",
    distributions=("flax", "msgpack"),
    calls="file.write(flax.serialization.msgpack_serialize(tree)), msgpack_restore(file.read())",
    ways={"plain": Way(save, load)},
)
