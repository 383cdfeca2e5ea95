"""flax.serialization: msgpack in a file, written by the user's own call of open, as Flax's guide shows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flax.serialization

from crash.formats.format import Format
from crash.formats.steps import one_path, steps
from crash.payloads import Arrays


def save(path: Path, arrays: Arrays) -> None:
    with open(path, "wb") as file:
        file.write(flax.serialization.msgpack_serialize(dict(arrays)))


def load(path: Path, expected: Arrays) -> Mapping[str, Any]:
    with open(path, "rb") as file:
        found: Mapping[str, Any] = flax.serialization.msgpack_restore(file.read())
    return found


FORMAT = Format(
    name="flax-msgpack",
    distributions=("flax", "msgpack"),
    calls="file.write(flax.serialization.msgpack_serialize(tree)), msgpack_restore(file.read())",
    ways={"plain": one_path("checkpoint.msgpack", save, load), "steps": steps(".msgpack", save, load)},
)
