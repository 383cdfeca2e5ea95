"""Hostile .npz files, and what any zip archive can be."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .hostile import Hostile, corrupt, file, unknown, unsafe


def zipped(members: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            change(info)
            archive.writestr(info, content)
    return data.getvalue()


def npy(header: str | bytes, data: bytes = b"", version: tuple[int, int] = (1, 0), length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else header.encode()
    size = len(text) if length is None else length
    return b"\x93NUMPY" + bytes(version) + size.to_bytes(2 if version[0] == 1 else 4, "little") + text + data


def array(descr: Any = "<f4", shape: Any = (1,), data: bytes = bytes(4), fortran_order: Any = False) -> bytes:
    return npy(repr({"descr": descr, "fortran_order": fortran_order, "shape": shape}), data)


def npz(member: bytes, name: str = "a.npy") -> Callable[[Path], Path]:
    return file("arrays.npz", zipped({name: member}))


def pickled() -> bytes:
    data = io.BytesIO()
    np.save(data, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return data.getvalue()


def link(info: zipfile.ZipInfo) -> None:
    info.create_system, info.external_attr = 3, 0o120777 << 16


def deflated(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_DEFLATED


def bzip2(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_BZIP2


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """The same archive with another name of equal length, in both places."""
    return data.replace(old, new)


def twice() -> bytes:
    return renamed(zipped({"a.npy": array(), "b.npy": array()}), b"b.npy", b"a.npy")


def directory(data: bytes, offset: int, kind: str, *values: int) -> bytes:
    """An archive of one member with numbers of its central directory changed."""
    start = data.index(b"PK\x01\x02") + offset
    return data[:start] + struct.pack(kind, *values) + data[start + struct.calcsize(kind) :]


def bomb() -> bytes:
    """Two members that declare 3 GiB each of the few bytes that they store."""
    data = zipped({"a.npy": array(), "b.npy": array()}, deflated)
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 1)
    for start in (first, second):
        data = data[: start + 24] + struct.pack("<L", 3 << 30) + data[start + 28 :]
    return data


def crowded() -> bytes:
    """An end that claims a table of contents of 4 GB."""
    data = zipped({"a.npy": array()})
    end = data.index(b"PK\x05\x06")
    return data[: end + 12] + struct.pack("<L", 0xFFFFFFFE) + data[end + 16 :]


def damaged() -> bytes:
    data = zipped({"a.npy": array(data=b"\1\2\3\4")})
    return data.replace(b"\1\2\3\4", b"\1\2\3\5")


FILES: dict[str, Hostile] = {
    "empty": corrupt(file("a.npz", b""), "no zip archive"),
    "something else": corrupt(file("a.npz", b"GIF89a" * 20), "no zip archive"),
    "zip behind something else": corrupt(file("a.npz", b"MZ" + zipped({"a.npy": array()})), "no zip archive"),
    "zip without end": corrupt(file("a.npz", zipped({"a.npy": array()})[:-22]), "no end"),
    "table of contents of 4 GB": unsafe(file("a.npz", crowded()), "table of contents"),
    "damaged member": corrupt(file("a.npz", damaged()), "damaged"),
    "member that stands twice": unsafe(file("a.npz", twice()), "twice"),
    "member that is a link": unsafe(file("a.npz", zipped({"a.npy": b"/etc/passwd"}, link)), "no regular file"),
    "member above": unsafe(npz(array(), "../a.npy"), "path out of its folder"),
    "member by absolute path": unsafe(npz(array(), "/a.npy"), "path out of its folder"),
    "member on a drive": unsafe(npz(array(), "c:a.npy"), "path of Windows"),
    "member by a path of Windows": unsafe(
        file("a.npz", renamed(zipped({"x/a.npy": array()}), b"x/a.npy", b"x\\a.npy")), "path of Windows"
    ),
    "member with NUL": unsafe(file("a.npz", renamed(zipped({"xxa.npy": array()}), b"xxa.npy", b"a\0a.npy")), "NUL"),
    "encrypted member": unsafe(file("a.npz", directory(zipped({"a.npy": array()}), 8, "<H", 1)), "encrypted"),
    "member in another compression": unsafe(file("a.npz", zipped({"a.npy": array()}, bzip2)), "compressed"),
    "stored member of two sizes": corrupt(
        file("a.npz", directory(zipped({"a.npy": array()}), 24, "<L", 9)), "two sizes"
    ),
    "bomb": unsafe(file("a.npz", bomb()), "far more than it stores"),
    "pickled objects": unsafe(npz(pickled()), "Python objects"),
    "no array": corrupt(npz(b"hello"), "no .npy file"),
    "version 9": corrupt(npz(npy("", version=(9, 0))), "no .npy file"),
    "header of 4 GB": unsafe(npz(npy("{}", version=(2, 0), length=0xFFFFFFFF)), "over its limit"),
    "header of 65 kB": unsafe(npz(npy(" " * 65_000)), "over its limit"),
    "header that is a program": corrupt(npz(npy("__import__('os').system('true')")), "can't be read"),
    "header nested too deep": corrupt(npz(npy("(" * 9_000)), "can't be read"),
    "header with a member too many": corrupt(
        npz(npy("{'descr':'<f4','fortran_order':False,'shape':(),'x':1}")), "can't"
    ),
    "header that ends early": corrupt(npz(npy("{'descr':'<f4'", length=200)), "can't be read"),
    "structured dtype": corrupt(npz(array([("a", "<f4")])), "none of plain numbers"),
    "dtype of several": corrupt(npz(array("<f4,<f4")), "none of plain numbers"),
    "dtype that NumPy doesn't have": corrupt(npz(array("<f3")), "can't be read"),
    "texts": unknown(npz(array("<U1")), "U1"),
    "long doubles": unknown(npz(array("<f16", data=bytes(16))), "float128"),
    "dates": unknown(npz(array("<M8")), "datetime64"),
    "negative size": corrupt(npz(array(shape=(-1,))), "a shape isn't one"),
    "size that is no integer": corrupt(npz(array(shape=(1.0,))), "a shape isn't one"),
    "sizes that overflow": unsafe(npz(array(shape=(2**40, 2**40))), "size of an array"),
    "shape of 65 axes": unsafe(npz(array(shape=(1,) * 65)), "number of axes"),
    "data missing": corrupt(npz(array(shape=(2,))), "isn't as long"),
    "data left over": corrupt(npz(array(data=bytes(5))), "isn't as long"),
    "order that is no boolean": corrupt(npz(array(fortran_order="no")), "can't be read"),
}
