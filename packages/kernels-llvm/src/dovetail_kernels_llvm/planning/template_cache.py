"""Templates on disk, beside the machine code of their kernels: what was written once need not be written again."""

from __future__ import annotations

import hashlib
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from dovetail_protocols.records import record

from ..kernels.kernel import Kernel, Launch, Moving, View
from ..runtime.object_cache import ObjectCache, cache_folder


@record
class Template:
    """Launches on numbered buffers: those of a description, then `temporaries` (dtype, shape), in order."""

    launches: tuple[Launch, ...]
    temporaries: tuple[tuple[str, tuple[int, ...]], ...]


_pending: dict[str, bytes] = {}


def find(identity: Any) -> Template | None:
    """The template that an earlier process kept."""
    objects = _objects(cache_folder())
    if objects is None:
        return None
    key = _key(identity)
    data = objects.load([key]).get(key)
    return None if data is None else _decoded(json.loads(zlib.decompress(data)))


def note(identity: Any, template: Template) -> None:
    """Remembers a template until `keep`."""
    _pending[_key(identity)] = zlib.compress(json.dumps(_encoded(template)).encode(), 1)


def keep() -> None:
    """Writes what was noted."""
    objects = _objects(cache_folder())
    if objects is not None and _pending:
        objects.store(dict(_pending))
    _pending.clear()


@cache
def _objects(folder: Path | None) -> ObjectCache | None:
    return None if folder is None else ObjectCache(folder)


def _key(identity: Any) -> str:
    return hashlib.sha256(_writers() + repr(identity).encode()).hexdigest()


@cache
def _writers() -> bytes:
    """What tells this version of the package from all others: its files, by size and time."""
    package = Path(__file__).parents[1]
    files = [(str(file.relative_to(package)), file.stat()) for file in sorted(package.rglob("*.py"))]
    return hashlib.sha256(repr([(name, s.st_size, s.st_mtime_ns) for name, s in files]).encode()).digest()


def _encoded(template: Template) -> Any:
    kernels = list(dict.fromkeys(launch.kernel for launch in template.launches))
    return {
        "kernels": [[kernel.text, kernel.what, kernel.scratch_bytes] for kernel in kernels],
        "launches": [
            [
                kernels.index(one.kernel),
                list(map(_argument, one.arguments)),
                one.writes,
                one.tasks,
                one.flops,
                one.bytes,
            ]
            for one in template.launches
        ],
        "temporaries": template.temporaries,
    }


def _argument(argument: View | Moving | int) -> Any:
    if isinstance(argument, View):
        return [argument.buffer, argument.dtype, argument.shape, argument.strides, argument.offset]
    assert not isinstance(argument, Moving), "templates are written before loops move them"
    return argument


def _decoded(data: Any) -> Template:
    kernels = [Kernel(*fields) for fields in data["kernels"]]
    return Template(
        tuple(
            Launch(kernels[number], tuple(map(_read, arguments)), tuple(writes), tasks, flops, size_bytes)
            for number, arguments, writes, tasks, flops, size_bytes in data["launches"]
        ),
        tuple((dtype, tuple(shape)) for dtype, shape in data["temporaries"]),
    )


def _read(argument: Any) -> View | int:
    if isinstance(argument, int):
        return argument
    buffer, dtype, shape, strides, offset = argument
    return View(buffer, dtype, tuple(shape), tuple(strides), offset)
