"""Manifests that somebody made to harm: a sound one, changed in one place, and sealed again so that its digest fits."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

CORRUPT, UNSAFE, VERSION = "CheckpointCorruptError", "CheckpointUnsafeError", "CheckpointVersionError"
ACCEPTED = "accepted"


@dataclass(frozen=True)
class Case:
    """A manifest, and what must become of it: an error of this class, or ACCEPTED."""

    name: str
    data: bytes
    outcome: str


def tree() -> dict[str, Any]:
    """What the sound manifest is of: every kind of node, with a tensor of each place that can be attacked."""
    shared = np.arange(6, dtype=np.float32)
    return {
        "model": {"layers": [{"kernel": np.arange(12.0).reshape(3, 4)}, {"kernel": shared}], "tied": shared},
        "flags": np.array([True, False, True]),
        "empty": np.zeros((0, 3), np.int16),
        "scalar": np.array(7, np.uint8),
        "step": 12,
        "rate": 0.5,
        "name": "run",
        "none": None,
        "is_on": True,
        "raw": b"\x00\xff",
        "pair": (1, "two"),
        "nothing": [],
    }


def sealed(body: bytes) -> bytes:
    """JSON text as a manifest ends: with the digest of what is before."""
    return body[:-1] + b',"root":"' + sha256(body).hexdigest().encode() + b'"}'


def written(document: Any) -> bytes:
    return sealed(text_of(document))


def text_of(document: Any) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="surrogatepass")


def opened(manifest: bytes) -> dict[str, Any]:
    """The document of a sound manifest."""
    found: dict[str, Any] = json.loads(manifest)
    del found["root"]
    return found


# Every value of the document in turn, replaced by what it is not

REPLACEMENTS: tuple[Any, ...] = (None, True, -1, 1 << 80, "", "x", "0", [], [[]], {}, {"x": 1}, 0.5)


def replacements(manifest: bytes) -> Iterator[tuple[str, bytes]]:
    """Each place of the document with each replacement. Some are no worse than what was there; what is accepted must
    still be right."""
    document = opened(manifest)
    for place in _places(document, ()):
        for value in REPLACEMENTS:
            changed = copy.deepcopy(document)
            _set(changed, place, value)
            if changed != document:
                yield f"{'/'.join(map(str, place))} is {value!r}", written(changed)
    for place in _places(document, ()):
        changed = copy.deepcopy(document)
        _remove(changed, place)
        yield f"{'/'.join(map(str, place))} is gone", written(changed)


def _places(node: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from _places(child, (*place, key))


def _set(node: Any, place: tuple[Any, ...], value: Any) -> None:
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value


def _remove(node: Any, place: tuple[Any, ...]) -> None:
    for key in place[:-1]:
        node = node[key]
    del node[place[-1]]


# Texts that are no manifest


def texts(manifest: bytes) -> Iterator[Case]:
    """Bytes of a manifest that are no canonical JSON."""
    body = text_of(opened(manifest))
    rest = body[1:]
    for name, data in {
        "empty": b"",
        "only its end": manifest[-75:],
        "no JSON": sealed(b"[hello}"),
        "an array": sealed(b'[{"a":1}'),
        "a string": sealed(b'"abc}'),
        "a byte order mark": sealed(b"\xef\xbb\xbf" + body),
        "no UTF-8": sealed(body.replace(b"kernel", b"kern\xffl")),
        "a member that stands twice": sealed(b'{"format":"x",' + rest),
        "the root twice": sealed(b'{"root":"x",' + rest),
        "not a number": sealed(b'{"step":NaN,' + rest.replace(b'"step":null,', b"")),
        "an infinity": sealed(b'{"step":-Infinity,' + rest.replace(b'"step":null,', b"")),
        "a float": sealed(body.replace(b'"version":2', b'"version":2.0')),
        "an exponent": sealed(body.replace(b'"version":2', b'"version":2e0')),
        "a version of a million digits": sealed(body.replace(b'"version":2', b'"version":' + b"9" * 1_000_000)),
        "a comment": sealed(body.replace(b'"version":2', b'/* */"version":2')),
        "single quotes": sealed(body.replace(b'"', b"'")),
        "100,000 brackets": sealed(b'{"aliases":' + b"[" * 100_000 + b"]" * 100_000 + b"," + rest),
        "100,000 braces": sealed(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "something behind it": manifest + b" ",
        "a line behind it": manifest + b"\n",
        "something before it": b" " + manifest,
        "a digest in capitals": manifest[:-66] + manifest[-66:-2].upper() + manifest[-2:],
        "another digest": manifest[:-66] + b"0" * 64 + manifest[-2:],
        "no digest": body,
        "zeros": bytes(4096),
        "a pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "a zip": b"PK\x03\x04" + bytes(100),
        "an empty object": sealed(b"{}"),
        "too many members": sealed(b'{"novelty":1,' + rest),
        "UTF-16": sealed(body.decode().encode("utf-16")),
    }.items():
        yield Case(name, data, CORRUPT)


# Documents that say what can't be


def changed(manifest: bytes, name: str) -> Case:
    """One of the CHANGES made to a sound document."""
    outcome, change = CHANGES[name]
    document = opened(manifest)
    change(document)
    return Case(name, written(document), outcome)


def _tensor(document: dict[str, Any], name: str = "flags") -> list[Any]:
    found: list[Any] = next(one for one in document["tensors"] if one[0] == [name])
    return found


def _tensor_at(place: int, value: Any, name: str = "flags") -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        _tensor(document, name)[place] = value

    return change


def _pieces(pieces: list[Any], shape: list[int]) -> Callable[[dict[str, Any]], None]:
    """The tensor "flags" (three bytes) in these pieces: begin, end, starts, sizes."""

    def change(document: dict[str, Any]) -> None:
        tensor = _tensor(document)
        file, begin, _ = tensor[3][0]
        tensor[2] = shape
        tensor[3] = [[file, begin + one[0], begin + one[1], *one[2:]] for one in pieces]

    return change


def _range(begin: Any, end: Any, file: Any = None) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        piece = _tensor(document)[3][0]
        piece[:] = [piece[0] if file is None else file, begin, end]

    return change


def _file(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["files"][0].update(values)


def _added(member: str, *values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document[member].extend(values)


def _member(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update({name: value})


def _named(path: list[Any]) -> Callable[[dict[str, Any]], None]:
    return _tensor_at(0, path)


def _twice(document: dict[str, Any]) -> None:
    document["tensors"].append(copy.deepcopy(document["tensors"][0]))


def _file_twice(document: dict[str, Any]) -> None:
    document["files"].append(copy.deepcopy(document["files"][0]))


def _many_tensors(document: dict[str, Any]) -> None:
    document["tensors"] = [[]] * ((1 << 20) + 1)


def _swapped_files(document: dict[str, Any]) -> None:
    first, second = document["files"][:2]
    first["name"], second["name"] = second["name"], first["name"]


HUGE = 1 << 62
CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    # Sizes and shapes
    "a shape whose product overflows": (CORRUPT, _tensor_at(2, [HUGE, HUGE])),
    "a shape whose product overflows to three": (CORRUPT, _tensor_at(2, [3, (1 << 64) + 1])),
    "a negative axis": (CORRUPT, _tensor_at(2, [-3])),
    "two negative axes": (CORRUPT, _tensor_at(2, [-1, -3])),
    "an axis that is true": (CORRUPT, _tensor_at(2, [True, 3])),
    "an axis that is text": (CORRUPT, _tensor_at(2, ["3"])),
    "a shape that is text": (CORRUPT, _tensor_at(2, "3")),
    "a shape that is a number": (CORRUPT, _tensor_at(2, 3)),
    "a huge axis beside an empty one": (CORRUPT, _tensor_at(2, [HUGE, HUGE, 0], "empty")),
    "too many axes": (UNSAFE, _tensor_at(2, [1] * 64 + [3])),
    "a million axes": (UNSAFE, _tensor_at(2, [1] * 1_000_000)),
    "an unknown dtype": (CORRUPT, _tensor_at(1, "float128")),
    "a dtype of Python": (CORRUPT, _tensor_at(1, "object")),
    "a dtype that is a list": (CORRUPT, _tensor_at(1, ["bool"])),
    "a wider dtype": (CORRUPT, _tensor_at(1, "float64")),
    # Ranges
    "begin is negative": (CORRUPT, _range(-3, 0)),
    "begin is behind the end": (CORRUPT, _range(3, 0)),
    "an end beyond the file": (CORRUPT, _range(HUGE, HUGE + 3)),
    "an end that is text": (CORRUPT, _range(0, "3")),
    "a begin that is true": (CORRUPT, _range(True, 4)),
    "a file that there is not": (CORRUPT, _range(0, 3, 99)),
    "a file with a negative number": (CORRUPT, _range(0, 3, -1)),
    "a file that is true": (CORRUPT, _range(0, 3, True)),
    "no piece": (CORRUPT, _tensor_at(3, [])),
    "a piece with two numbers": (CORRUPT, _tensor_at(3, [[0, 0]])),
    # Pieces
    "pieces that tile": (ACCEPTED, _pieces([[0, 2, [0], [2]], [2, 3, [2], [1]]], [3])),
    "pieces that overlap": (CORRUPT, _pieces([[0, 2, [0], [2]], [1, 3, [1], [2]]], [3])),
    "a piece twice": (CORRUPT, _pieces([[0, 3, [0], [3]], [0, 3, [0], [3]]], [3])),
    "pieces with a gap": (CORRUPT, _pieces([[0, 1, [0], [1]], [2, 3, [2], [1]]], [3])),
    "pieces that make up for a gap by an overlap": (
        CORRUPT,
        _pieces([[0, 2, [0, 0], [2, 1]], [0, 2, [0, 0], [1, 2]]], [2, 2]),
    ),
    "a piece outside of its tensor": (CORRUPT, _pieces([[0, 3, [1], [3]]], [3])),
    "a piece that begins before it": (CORRUPT, _pieces([[0, 3, [-1], [3]]], [3])),
    "a piece of another rank": (CORRUPT, _pieces([[0, 3, [0, 0], [3, 1]]], [3])),
    "a piece of negative size": (CORRUPT, _pieces([[0, 3, [0], [-3]]], [3])),
    "a piece larger than its bytes": (CORRUPT, _pieces([[0, 1, [0], [3]]], [3])),
    "a piece whose size overflows": (CORRUPT, _pieces([[0, 3, [0, 0], [HUGE, HUGE]]], [HUGE, HUGE])),
    # Files
    "a file twice": (CORRUPT, _file_twice),
    "the names of two files swapped": (CORRUPT, _swapped_files),
    "a file larger than it is": (CORRUPT, _file(bytes=8193)),
    "data that begins in the length": (CORRUPT, _file(data_start=7)),
    "data that begins behind the end": (CORRUPT, _file(data_start=1 << 20)),
    "a header of 4 GiB": (UNSAFE, _file(data_start=1 << 32, bytes=1 << 32, chunk_crc32=[])),
    "too few checksums": (CORRUPT, _file(chunk_crc32=[])),
    "too many checksums": (CORRUPT, _file(chunk_crc32=["00000000"] * 2)),
    "a checksum that is a number": (CORRUPT, _file(chunk_crc32=[0])),
    "a checksum in capitals": (CORRUPT, _file(chunk_crc32=["ABCDEF01"])),
    "another checksum": (CORRUPT, _file(chunk_crc32=["00000000"])),
    "another digest of the header": (CORRUPT, _file(header_sha256="0" * 64)),
    "a digest that is none": (CORRUPT, _file(sha256="yes")),
    "a fact that nobody knows": (CORRUPT, _file(command="true")),
    **{
        f"a file called {name!r}": (UNSAFE, _file(name=name))
        for name in (
            *("../x.safetensors", "/etc/passwd", "a/b.safetensors", "a\\b.safetensors", "c:x.safetensors", "", "."),
            *("..", ".safetensors", ".x.safetensors", "x.safetensors\0", "x\n.safetensors", "x.pkl", "manifest.json"),
            *(
                "\u2024\u2024/x.safetensors",
                "x.safetensors/",
                "~/x.safetensors",
                "%2e%2e/x.safetensors",
                "x y.safetensors",
            ),
            *(
                "-.safetensors\u202e",
                "ｘ.safetensors",
                "x.safetensors.",
                "x" * 300 + "/.safetensors",
                "..%00.safetensors",
            ),
        )
    },
    # Names
    **{
        f"a tensor called {path!r:.40}": (UNSAFE, _named(path))
        for path in (["a\0b"], ["a\nb"], ["\x1b[2J"], ["a\x7f"], ["x\x85"], ["x" * 1025], ["x"] * 600, ["\r"])
    },
    **{f"a path that has {part!r}": (CORRUPT, _named([part])) for part in (None, 0.5, [], {}, ["flags"], {"flags": 1})},
    "a path that is text": (CORRUPT, _tensor_at(0, "flags")),
    "a path that is true": (CORRUPT, _named([True])),
    "a lone surrogate": (CORRUPT, _named(["\ud800"])),
    "a tensor twice": (CORRUPT, _twice),
    "a tensor that is a scalar too": (CORRUPT, _added("scalars", [["flags"], "int", "0x1"])),
    "a tensor below a tensor": (CORRUPT, _named(["scalar", "flags"])),
    "a tensor below a scalar": (CORRUPT, _named(["step", "flags"])),
    "a tensor at the root beside others": (CORRUPT, _named([])),
    "too many tensors": (UNSAFE, _many_tensors),
    # Scalars
    "a scalar twice": (CORRUPT, _added("scalars", [["step"], "int", "0xc"])),
    **{
        f"a scalar that is {kind} {text!r:.20}": (CORRUPT, _added("scalars", [["new"], kind, text]))
        for kind, text in (
            *(("int", "twelve"), ("int", 12), ("int", ""), ("int", "0x"), ("int", None), ("int", "1.5")),
            *(("float", "zero"), ("float", 0.5), ("float", "0x1p99999"), ("float", None), ("float", "")),
            *(("bool", "true"), ("bool", "1"), ("bool", True), ("NoneType", ""), ("NoneType", None)),
            *(("bytes", "!!!!"), ("bytes", "AAA"), ("bytes", 5), ("bytes", "é"), ("str", 5), ("str", None)),
            *(("complex", "1j"), ("object", "x"), ("eval", "1"), ("", ""), (None, None), (["int"], "0x1")),
        )
    },
    "a scalar with three facts": (CORRUPT, _added("scalars", [["new"], "int", "0x1", 0])),
    "a scalar with one fact": (CORRUPT, _added("scalars", [["new"]])),
    "a scalar of a million digits": (ACCEPTED, _added("scalars", [["new"], "int", "0x" + "f" * 1_000_000])),
    # Aliases
    "an alias of itself": (CORRUPT, _added("aliases", [["new"], ["new"]])),
    "aliases of one another": (CORRUPT, _added("aliases", [["new"], ["newer"]], [["newer"], ["new"]])),
    "an alias of nothing": (CORRUPT, _added("aliases", [["new"], ["nowhere"]])),
    "an alias below a tensor": (CORRUPT, _added("aliases", [["flags", "new"], ["scalar"]])),
    "an alias in place of a tensor": (CORRUPT, _added("aliases", [["flags"], ["scalar"]])),
    "an alias twice": (CORRUPT, _added("aliases", [["new"], ["scalar"]], [["new"], ["flags"]])),
    "an alias with a name that is none": (UNSAFE, _added("aliases", [["a\0b"], ["scalar"]])),
    "an alias with three paths": (CORRUPT, _added("aliases", [["new"], ["flags"], ["scalar"]])),
    "an alias in place of the tree": (CORRUPT, _added("aliases", [[], ["flags"]])),
    # Containers
    "a container of another kind": (CORRUPT, _added("containers", [["model"], "set"])),
    "a container that is code": (CORRUPT, _added("containers", [["model"], "os.system"])),
    "a dict that is a list": (CORRUPT, _added("containers", [["model"], "list"])),
    "a container twice": (CORRUPT, _added("containers", [["nothing"], "tuple"])),
    "a container that is a tensor": (CORRUPT, _added("containers", [["flags"], "list"])),
    "a list with a gap": (CORRUPT, _named(["nothing", 1])),
    "a list with a place of 2⁶²": (CORRUPT, _named(["nothing", HUGE])),
    "a list with a negative place": (CORRUPT, _named(["nothing", -1])),
    "a list with a name": (CORRUPT, _named(["nothing", "append"])),
    "a list with the text of a number": (CORRUPT, _named(["nothing", "0"])),
    # The rest
    "another format": (CORRUPT, _member("format", "pickle")),
    "a newer format": (VERSION, lambda document: document.update(version=3, min_reader=3)),
    "a format from far in the future": (VERSION, lambda document: document.update(version=1 << 70, min_reader=1 << 70)),
    "a newer writer for this reader": (ACCEPTED, _member("version", 3)),
    "an old version": (VERSION, lambda document: document.update(version=1, min_reader=1)),
    "a version that is true": (CORRUPT, lambda document: document.update(version=True, min_reader=True)),
    "a version that is text": (CORRUPT, _member("version", "2")),
    "a negative version": (CORRUPT, _member("version", -2)),
    "a step that is a number": (CORRUPT, _member("step", 5)),
    "a step that is none": (CORRUPT, _member("step", "soon")),
    "items that are a list": (CORRUPT, _member("items", ["model"])),
    "an item at version -1": (CORRUPT, _member("items", {"model": -1})),
    "an item at version true": (CORRUPT, _member("items", {"model": True})),
    "a metric that is a number": (CORRUPT, _member("metrics", {"loss": 1})),
    "a metric that is text": (CORRUPT, _member("metrics", {"loss": "low"})),
    "a metric beyond all numbers": (CORRUPT, _member("metrics", {"loss": "0x1p99999"})),
    "a writer that is a list": (CORRUPT, _member("writer", ["me"])),
    **{
        f"{name} that are {value!r}": (CORRUPT, _member(name, value))
        for name in ("files", "tensors", "scalars", "aliases", "containers")
        for value in ({}, "", None, 5, [5], [[]])
    },
}
