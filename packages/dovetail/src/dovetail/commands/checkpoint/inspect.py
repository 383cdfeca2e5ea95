"""Show what a checkpoint or program holds, without reading its tensors; --html draws it, with values of chosen ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail_protocols.errors import AttributeValueError

from ..table import table
from .json_output import print_json, scalar_document
from .opening import Opened, opened
from .places import Found, find_one
from .text import ROOT, count_text, number_text, plain, shape_text, size_text, value_text

if TYPE_CHECKING:
    from dovetail_checkpointing import Reader
    from dovetail_checkpointing.storage import Place


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", help="a checkpoint, an exported program, or a .safetensors file")
    parser.add_argument(
        "--tensors",
        action="append",
        metavar="PATTERN",
        help="only tensors whose names match, such as 'model/*/kernel' (repeatable); with --html, read them and draw "
        "their values",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with the object tree to look through")
    parser.add_argument("--against", metavar="OTHER", help="with --html: also draw how it differs from this checkpoint")


def run(options: argparse.Namespace) -> int:
    """0, unless what is there can't be read."""
    found = find_one(options.path)
    if options.html is not None:
        return _draw(found, options)
    if options.against is not None:
        fix = f"dovetail checkpoint diff {options.path} {options.against}, or --html FILE"
        raise AttributeValueError("--against goes with --html", fix=fix)
    document = describe(found, wanted(options.tensors))
    if options.json:
        print_json(document)
    else:
        print(text_of(document))
    return 0


def _draw(found: Found, options: argparse.Namespace) -> int:
    from .picture import write_page

    document = describe(found, wanted(None))
    is_wanted = wanted(options.tensors) if options.tensors else None
    drawn = write_page(found, document, options.html, is_wanted, options.against)
    if options.tensors and not drawn:
        print(f"no tensor matches {' or '.join(map(repr, options.tensors))}", file=sys.stderr)
    if options.json:
        print_json(document)
    told = f" with values of {count_text(drawn, 'tensor')}" if drawn else ""
    print(plain(f"wrote {options.html}{told}"), file=sys.stderr)
    return 0


def wanted(patterns: list[str] | None) -> Callable[[str], bool]:
    """Whether a name matches one of the patterns; every name where there are none."""
    from dovetail_checkpointing.matching import selection

    return selection(patterns or None)


def describe(found: Found, is_wanted: Callable[[str], bool]) -> dict[str, Any]:
    """All that is known of a checkpoint without reading its tensors, as JSON; of tensors those that are wanted.

    Raises: what opening it raises.
    """
    with opened(found) as one:
        document = {
            "format": "dovetail.checkpoint-inspect",
            "path": str(found),
            "kind": found.kind,
            "saved": found.saved,
            **(_said(found.place.path) if one.reader is None else _said_by(one.reader)),
            **_tensors(one, is_wanted),
        }
    if found.kind == "program":
        document["program"] = _program(found.place)
    return document


def _said_by(reader: Reader) -> dict[str, Any]:
    """What a checkpoint says beside its tensors."""
    from dovetail_checkpointing.object_tree import shown

    manifest = reader.manifest
    return {
        "step": reader.step,
        "writer": manifest.writer,
        "digest": reader.digest,
        "metrics": dict(reader.metrics),
        "items": dict(manifest.items),
        "files": [{"name": one.name, "bytes": one.size_bytes, "sha256": one.sha256} for one in manifest.files],
        "aliases": [
            {"name": shown(path), "path": list(path), "of": shown(target)} for path, target in manifest.aliases.items()
        ],
        "scalars": [
            {"name": shown(path), "path": list(path), **scalar_document(value), "shown": value_text(value)}
            for path, value in manifest.scalars.items()
        ],
    }


def _said(file: Path) -> dict[str, Any]:
    """What a plain file says beside its tensors: nothing."""
    files = [{"name": file.name, "bytes": file.stat().st_size, "sha256": None}]
    nothing: dict[str, Any] = {
        "step": None,
        "writer": None,
        "digest": None,
        "metrics": {},
        "items": {},
        "aliases": [],
        "scalars": [],
    }
    return {**nothing, "files": files}


def _tensors(one: Opened, is_wanted: Callable[[str], bool]) -> dict[str, Any]:
    from dovetail_checkpointing.object_tree import shown

    infos = one.source.tensors
    tied = {} if one.reader is None else one.reader.manifest.aliases
    paths = [path for path in infos if path not in tied]
    return {
        "tensors": [
            {
                "name": shown(path),
                "path": list(path),
                "dtype": infos[path].dtype,
                "shape": list(infos[path].shape),
                "bytes": infos[path].size_bytes,
            }
            for path in paths
            if is_wanted(shown(path))
        ],
        "tensor_count": len(paths),
        "tensor_bytes": sum(infos[path].size_bytes for path in paths),
    }


def _program(folder: Place) -> dict[str, Any]:
    from dovetail_checkpointing.program.examining import read_record, signature_calls

    record, digest = read_record(folder)
    return {
        "digest": digest,
        "signatures": {
            name: [{"inputs": list(call.inputs), "outputs": list(call.outputs)} for call in calls]
            for name, calls in signature_calls(record).items()
        },
        "assets": {name: one.size_bytes for name, one in record.assets.items()},
    }


# ---------------------------------------------------------------------- text


def text_of(document: Mapping[str, Any]) -> str:
    """A description for a reader."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    step = "" if document["step"] is None else f", step {document['step']}"
    yield f"{plain(document['path'])}: {document['kind']}{step}"
    yield from (f"  {name:8} {text}" for name, text in headings(document) if text)
    if "program" in document:
        yield ""
        yield from (f"  {line}" for line in signature_lines(document["program"]))
    tensors, scalars = document["tensors"], document["scalars"]
    if tensors:
        rows = [_tensor_cells(one) for one in tensors]
        yield "\n" + table(("tensor", "dtype", "shape", "bytes"), rows, right=(3,))
    if document["aliases"]:
        tied = [(plain(one["name"]), plain(one["of"])) for one in document["aliases"]]
        yield "\n" + table(("tied", "is the same as"), tied)
    if scalars:
        cells = [(plain(one["name"]), str(one["type"]), str(one["shown"])) for one in scalars]
        yield "\n" + table(("scalar", "type", "value"), cells)
    if len(tensors) < document["tensor_count"]:
        yield f"\n{len(tensors):,} of {count_text(document['tensor_count'], 'tensor')} match"


def _tensor_cells(tensor: Mapping[str, Any]) -> tuple[str, str, str, str]:
    name = plain(tensor["name"]) if tensor["path"] else ROOT
    return name, str(tensor["dtype"]), shape_text(tensor["shape"]), f"{tensor['bytes']:,}"


def headings(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is said of a checkpoint as a whole, by name; "" where there is nothing to say."""
    versions = {name: version for name, version in document["items"].items() if version != 1}
    saved = f"{document['saved']} UTC" if document["saved"] else ""
    writer = f"by {plain(document['writer'])}" if document["writer"] else ""
    tied = f", {count_text(len(document['aliases']), 'tied path')}" if document["aliases"] else ""
    return [
        ("saved", f"{saved} {writer}".strip()),
        (
            "holds",
            f"{count_text(document['tensor_count'], 'tensor')}, {size_text(document['tensor_bytes'])} in "
            f"{count_text(len(document['files']), 'file')}, {count_text(len(document['scalars']), 'scalar')}{tied}",
        ),
        ("metrics", ", ".join(f"{plain(name)} {number_text(value)}" for name, value in document["metrics"].items())),
        ("versions", ", ".join(f"{plain(name)} {version}" for name, version in versions.items())),
        ("digest", document["digest"] or ""),
    ]


def signature_lines(program: Mapping[str, Any]) -> Iterator[str]:
    """What a program is called with, and the files that go along."""
    for name, calls in program["signatures"].items():
        for call in calls:
            outputs = ", ".join(call["outputs"])
            yield f"signature {plain(name)}({plain(', '.join(call['inputs']))}) -> {outputs}"
    for name, size in program["assets"].items():
        yield f"file {plain(name)}, {size_text(size)}"
