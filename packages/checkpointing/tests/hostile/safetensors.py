"""Hostile .safetensors files and Hugging Face indexes. Most of the first are read by safetensors 0.8.0."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .hostile import Hostile, corrupt, file, unknown, unsafe

ONE = '"{name}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'


def raw(header: bytes | str, data: bytes = bytes(4), length: int | None = None) -> Callable[[Path], Path]:
    text = header.encode() if isinstance(header, str) else header
    start = (len(text) if length is None else length).to_bytes(8, "little")
    return file("model.safetensors", start + text + data)


def entry(name: str = "a", data: bytes = bytes(4), **changes: Any) -> Callable[[Path], Path]:
    told = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes}
    return raw(json.dumps({name: {key: value for key, value in told.items() if value is not None}}), data)


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "model.safetensors")
    return folder / "model.safetensors"


def folder_for_file(folder: Path) -> Path:
    (folder / "model.safetensors").mkdir()
    return folder / "model.safetensors"


def two(first: list[int], second: list[int], data: bytes) -> Callable[[Path], Path]:
    both = {
        name: {"dtype": "U8", "shape": [offsets[1] - offsets[0]], "data_offsets": offsets}
        for name, offsets in (("a", first), ("b", second))
    }
    return raw(json.dumps(both), data)


FILES: dict[str, Hostile] = {
    "empty": corrupt(file("model.safetensors", b""), "shorter than it says"),
    "seven bytes": corrupt(file("model.safetensors", bytes(7)), "shorter than it says"),
    "header of 2^63 bytes": corrupt(raw("{}", b"", 2**63), "longer than its file"),
    "header a byte longer than the file": corrupt(raw("{}", b"", 3), "longer than its file"),
    "no JSON": corrupt(raw("{a}", b""), "no JSON"),
    "no UTF-8": corrupt(raw(b'{"\xff":1}', b""), "no JSON"),
    "not a number": corrupt(raw('{"__metadata__":NaN}', b""), "NaN"),
    "list for an object": unsafe(raw("[]", b""), "doesn't begin with '{'"),
    "header that begins with a space": unsafe(raw(" {" + ONE.format(name="a") + "}"), "doesn't begin with '{'"),
    "bytes behind the object": corrupt(raw("{} x", b""), "no JSON"),
    "name that stands twice": unsafe(raw("{" + ",".join([ONE.format(name="a")] * 2) + "}"), "twice"),
    "member that stands twice": unsafe(raw('{"a":{"dtype":"F32","dtype":"F32"}}'), "twice"),
    "nested too deep": unsafe(raw('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", b""), "nested too deep"),
    "name that leaves the folder": unsafe(entry("../../etc/x"), "path out of its folder"),
    "absolute name": unsafe(entry("/etc/x"), "path out of its folder"),
    "name of Windows that leaves the folder": unsafe(entry("..\\x"), "path out of its folder"),
    "name with NUL": unsafe(entry("a\0b"), "NUL or control"),
    "name with an escape sequence": unsafe(entry("\x1b[2J"), "NUL or control"),
    "no name": unsafe(entry(""), "no name"),
    "name of a megabyte": unsafe(entry("a" * (1 << 20)), "the length of a name"),
    "half of a surrogate pair": unsafe(raw('{"\\ud800":{}}', b""), "no Unicode text"),
    "half of a surrogate pair in the metadata": unsafe(raw('{"__metadata__":{"a":"\\udc00"}}', b""), "no Unicode text"),
    "unknown dtype": unknown(entry(dtype="F8_E8M0"), "F8_E8M0"),
    "dtype that is no text": corrupt(entry(dtype=["F32"]), "wrong kind"),
    "place of minus zero": corrupt(
        raw('{"a":{"dtype":"F32","shape":[1],"data_offsets":[-0,4]}}'), "two counts of bytes"
    ),
    "size of minus zero": corrupt(
        raw('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}', b""), "a shape isn't one"
    ),
    "no dtype": corrupt(entry(dtype=None), "needs dtype"),
    "member too many": corrupt(entry(code="import os"), "needs dtype"),
    "negative size": corrupt(entry(shape=[-1]), "a shape isn't one"),
    "size that is no integer": corrupt(entry(shape=[1.0]), "a shape isn't one"),
    "size that is a boolean": corrupt(entry(shape=[True]), "a shape isn't one"),
    "sizes that overflow": unsafe(entry(shape=[2**32, 2**32]), "size of an array"),
    "sizes that overflow beside a zero": unsafe(
        entry(data=b"", shape=[2**40, 0], data_offsets=[0, 0]), "size of an array"
    ),
    "shape of 65 axes": unsafe(entry(shape=[1] * 65), "number of axes"),
    "offsets of another size": corrupt(entry(data_offsets=[0, 3]), "don't hold the tensor"),
    "offsets backwards": corrupt(entry(shape=[0], data_offsets=[4, 0]), "don't hold the tensor"),
    "negative offset": corrupt(entry(data_offsets=[-4, 0]), "two counts of bytes"),
    "three offsets": corrupt(entry(data_offsets=[0, 4, 4]), "two counts of bytes"),
    "data missing": corrupt(entry(data=bytes(3)), "isn't what its header says"),
    "data left over": corrupt(entry(data=bytes(5)), "isn't what its header says"),
    "tensors that overlap": corrupt(two([0, 4], [2, 6], bytes(6)), "overlap"),
    "gap between tensors": corrupt(two([0, 4], [6, 8], bytes(8)), "overlap or leave a gap"),
    "gap at the begin": corrupt(two([2, 4], [4, 6], bytes(6)), "overlap or leave a gap"),
    "metadata that is no text": corrupt(raw('{"__metadata__":{"a":1}}', b""), "__metadata__"),
    "metadata that is a list": corrupt(raw('{"__metadata__":[]}', b""), "__metadata__"),
    "pipe": unsafe(fifo, "no regular file"),
    "folder for a file": unsafe(folder_for_file, "no regular file"),
}


def index(weight_map: Any, shards: dict[str, list[str]] | None = None) -> Callable[[Path], Path]:
    """An index, and shards beside it that hold tensors of these names."""

    def make(folder: Path) -> Path:
        inner = folder / "model"
        inner.mkdir()
        for shard, names in (shards or {}).items():
            tensors = {name: {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for name in names}
            text = json.dumps(tensors).encode()
            (inner / shard).write_bytes(len(text).to_bytes(8, "little") + text)
        path = inner / "model.safetensors.index.json"
        path.write_text(json.dumps({"weight_map": weight_map}) if weight_map is not None else "{}", "utf-8")
        return path

    return make


def linked_shard(folder: Path) -> Path:
    path = index({"a": "link.safetensors"}, {"target.safetensors": ["a"]})(folder)
    (path.parent / "link.safetensors").symlink_to("target.safetensors")
    return path


def piped_shard(folder: Path) -> Path:
    path = index({"a": "pipe.safetensors"})(folder)
    os.mkfifo(path.parent / "pipe.safetensors")
    return path


INDEXES: dict[str, Hostile] = {
    "shard above": unsafe(index({"a": "../../secret.safetensors"}), "isn't beside it"),
    "shard by absolute path": unsafe(index({"a": "/etc/secret.safetensors"}), "isn't beside it"),
    "shard in a folder": unsafe(index({"a": "x/y.safetensors"}), "isn't beside it"),
    "shard by a path of Windows": unsafe(index({"a": "..\\y.safetensors"}), "isn't beside it"),
    "shard on a drive": unsafe(index({"a": "c:y.safetensors"}), "isn't beside it"),
    "hidden shard": unsafe(index({"a": ".ssh.safetensors"}), "isn't beside it"),
    "shard that is a number": unsafe(index({"a": 3}), "isn't beside it"),
    "shard with NUL": unsafe(index({"a": "a\0.safetensors"}), "isn't beside it"),
    "shard that is a link": unsafe(linked_shard, "a file is a link"),
    "shard that is a pipe": unsafe(piped_shard, "no regular file"),
    "shard of another format": corrupt(index({"a": "a.bin"}), "no .safetensors file"),
    "tensor that its shard lacks": corrupt(index({"a": "s.safetensors"}, {"s.safetensors": ["b"]}), "differ"),
    "tensor that the index lacks": corrupt(index({"a": "s.safetensors"}, {"s.safetensors": ["a", "b"]}), "differ"),
    "no weight_map": corrupt(index(None), "no weight_map"),
    "weight_map that is a list": corrupt(index(["a"]), "no weight_map"),
}
