"""Hostile .weights.h5 and .keras files: what HDF5 can lead to elsewhere, and sizes that aren't stored."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .hostile import Hostile, corrupt, file, unknown, unsafe
from .zips import zipped


def weights(fill: Callable[[Any], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "model.weights.h5"
        with h5py.File(path, "w") as written:
            fill(written)
        return path

    return make


def content(fill: Callable[[Any], None]) -> bytes:
    data = io.BytesIO()
    with h5py.File(data, "w") as written:
        fill(written)
    return data.getvalue()


def one(written: Any) -> None:
    written.create_dataset("layers/dense/vars/0", data=np.ones((2, 3), np.float32))


def external_link(written: Any) -> None:
    written["a"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(written: Any) -> None:
    one(written)
    written["a"] = h5py.SoftLink("/layers")


def group_in_itself(written: Any) -> None:
    written["a/b"] = np.ones(1)
    written["a/c"] = written["a"]


def external_storage(written: Any) -> None:
    written.create_dataset("a", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def virtual(written: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    written.create_virtual_dataset("a", layout)


def declared(written: Any) -> None:
    written.create_dataset("a", (1 << 33,), "f4")


def declared_in_chunks(written: Any) -> None:
    written.create_dataset("a", (1 << 40,), "u1", chunks=(1 << 20,), compression="gzip")


def chunk_missing(written: Any) -> None:
    written.create_dataset("a", (4,), "f4", chunks=(2,))[:2] = 1


def enormous(written: Any) -> None:
    written.create_dataset("a", (1 << 31, 1 << 31), "f4", chunks=(1 << 10, 1 << 10))


def foreign_filter(written: Any) -> None:
    written.create_dataset("a", data=np.ones(100), compression=32015, allow_unknown_filter=True)


def committed_type(written: Any) -> None:
    written["a"] = np.dtype("f4")


def texts(written: Any) -> None:
    written["a"] = "a text"


def references(written: Any) -> None:
    written["a"] = np.array([written.ref], h5py.ref_dtype)


def compound(written: Any) -> None:
    written["a"] = np.zeros(2, [("a", "f4"), ("b", "i4")])


def opaque(written: Any) -> None:
    written["a"] = np.zeros(2, "V2")


def nothing(written: Any) -> None:
    written["a"] = h5py.Empty("f4")


def deep(written: Any) -> None:
    written["/".join("a" * 40)] = np.ones(1)


def longer(written: Any) -> None:
    one(written)
    written["b"] = np.arange(10_000, dtype=np.float64)


FILES: dict[str, Hostile] = {
    "empty": corrupt(file("model.weights.h5", b""), "can't be read"),
    "something else": corrupt(file("model.weights.h5", b"\x89PNG" * 200), "can't be read"),
    "only a signature": corrupt(file("model.weights.h5", b"\x89HDF\r\n\x1a\n" + b"\xff" * 500), "can't be read"),
    "cut short": corrupt(file("model.weights.h5", content(longer)[:-5000]), "can't be read"),
    "link to another file": unsafe(weights(external_link), "leads elsewhere"),
    "soft link": unsafe(weights(soft_link), "leads elsewhere"),
    "group in itself": unsafe(weights(group_in_itself), "two places"),
    "values in another file": unsafe(weights(external_storage), "another file"),
    "virtual dataset": unsafe(weights(virtual), "virtual"),
    "32 GiB of nothing": corrupt(weights(declared), "aren't stored"),
    "1 TiB of chunks that aren't there": corrupt(weights(declared_in_chunks), "aren't stored"),
    "a chunk that isn't there": corrupt(weights(chunk_missing), "aren't stored"),
    "sizes beyond the limit": unsafe(weights(enormous), "size of an array"),
    "filter that is a library": unsafe(weights(foreign_filter), "load as a library"),
    "committed type": unsafe(weights(committed_type), "no dataset or group"),
    "texts": unknown(weights(texts), "object"),
    "references": unknown(weights(references), "object"),
    "records": unknown(weights(compound), "dtype"),
    "opaque bytes": unknown(weights(opaque), "V2"),
    "no values": corrupt(weights(nothing), "no values"),
    "groups too deep": unsafe(weights(deep), "depth of groups"),
    ".keras without weights": corrupt(file("m.keras", zipped({"config.json": b"{}"})), "no weights"),
    ".keras with other weights": corrupt(file("m.keras", zipped({"model.weights.h5": b"x" * 99})), "can't be read"),
    ".keras with a link to another file": unsafe(
        file("m.keras", zipped({"model.weights.h5": content(external_link)})), "leads elsewhere"
    ),
    ".keras that is no archive": corrupt(file("m.keras", content(one)), "no zip archive"),
}
