"""Read checkpoints through, and tell all that is wrong with them: files, bytes, and the tensors that lie there."""

from __future__ import annotations

import argparse
from textwrap import indent
from typing import TYPE_CHECKING, Any

from dovetail_protocols.errors import CheckpointError

from .failures import DAMAGED, OK, error_document, status_of, worst
from .json_output import print_json
from .places import MANIFEST, Found, children, find
from .progress import Progress
from .text import count_text, plain, plain_lines, size_text

if TYPE_CHECKING:
    from dovetail_checkpointing import Verification

SHOWN_TENSORS = 8


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="path", help="a checkpoint, a program, or a folder of such")
    parser.add_argument(
        "--level",
        choices=("header", "chunks", "full"),
        default="full",
        help="header: sizes and headers; chunks: also the CRC-32 of every chunk; full: also the SHA-256 of every file "
        "(default)",
    )


def run(options: argparse.Namespace) -> int:
    """0 where all are sound, 1 where one is damaged, 3 where one is unsafe, 2 where one can't be read by this version.

    One that is unsafe doesn't keep the others from being verified.
    """
    found = [one for path in options.paths for one in _all(find(path))]
    statuses, documents = [], []
    for one in found:
        try:
            with Progress(f"verifying {one}") as progress:
                verified = verify_found(one, options.level, progress)
            told, document, status = text_of(verified), document_of(verified), OK if verified.is_sound else DAMAGED
        except CheckpointError as error:
            told, status = f"{plain(str(one))}: NOT READ\n{indent(plain_lines(str(error)), '  ')}", status_of(error)
            document = {"path": str(one), "sound": False, "error": error_document(error)}
        statuses.append(status)
        documents.append(document)
        if not options.json:
            print(told, flush=True)
    if options.json:
        print_json({"format": "dovetail.checkpoint-verify", "level": options.level, "checkpoints": documents})
    elif not found:
        print("no checkpoints")
    elif any(one.get("damages") for one in documents):
        print("`dovetail checkpoint quarantine` moves damaged ones out of the way")
    return worst(statuses)


def _all(found: Found) -> list[Found]:
    """All that is to be verified; what was moved out of the way is known to be damaged."""
    if found.kind != "folder":
        return [found]
    return [one for one in children(found.place) if not one.is_quarantined]


def verify_found(found: Found, level: Any, progress: Progress) -> Verification:
    """What is wrong with a checkpoint or program.

    Raises: CheckpointUnsafeError, CheckpointVersionError.
    """
    if found.kind == "file":
        raise CheckpointError(
            "a plain file has no checksums: there is nothing to verify it by",
            where=str(found),
            fix="convert it to a checkpoint, which has",
        )
    from dovetail_checkpointing import Damage, Verification, verify
    from dovetail_checkpointing.program.examining import verify_program

    if found.kind == "program":
        return verify_program(found.place.spelled, level, progress=progress.update)
    if not found.has_manifest:
        return Verification(str(found), level, "", (Damage(MANIFEST, "it is missing", ()),), 0, 0.0)
    return verify(found.place.spelled, level, progress=progress.update)


def text_of(verified: Verification) -> str:
    """The outcome for a reader."""
    name = plain(verified.path)
    if verified.is_sound:
        return f"{name}: sound, {size_text(verified.size_bytes)} read ({verified.level}) in {verified.seconds:.2f} s"
    lines = [f"{name}: DAMAGED"]
    for damage in verified.damages:
        lines.append(f"  {plain(damage.file)}: {plain(damage.what)}")
        if damage.tensors:
            left = len(damage.tensors) - SHOWN_TENSORS
            listed = ", ".join(map(plain, damage.tensors[:SHOWN_TENSORS])) + (f" and {left:,} more" if left > 0 else "")
            lines.append(f"    {count_text(len(damage.tensors), 'tensor')} there: {listed}")
    return "\n".join(lines)


def document_of(verified: Verification) -> dict[str, Any]:
    """The outcome for a program."""
    return {
        "path": verified.path,
        "sound": verified.is_sound,
        "digest": verified.digest or None,
        "bytes": verified.size_bytes,
        "seconds": verified.seconds,
        "damages": [{"file": one.file, "what": one.what, "tensors": list(one.tensors)} for one in verified.damages],
    }
