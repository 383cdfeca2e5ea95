"""List the checkpoints of a folder: steps, dates, sizes, metrics; with --verify whether each is sound."""

from __future__ import annotations

import argparse
from typing import Any

from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError, CheckpointVersionError

from ..table import table
from .failures import DAMAGED, NOT_DONE, OK, UNSAFE, worst
from .json_output import print_json
from .places import MANIFEST, Found, children, find
from .progress import Progress
from .text import count_text, number_text, plain, size_text

_STATUSES = {"damaged": DAMAGED, "newer": NOT_DONE, "unsafe": UNSAFE}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", default=".", help="a folder of checkpoints, or one checkpoint (default: .)")
    parser.add_argument("--verify", action="store_true", help="read each through, and say whether it is sound")


def run(options: argparse.Namespace) -> int:
    """0, or 1 where one is damaged, 2 where one is of a newer format, 3 where one is unsafe."""
    found = find(options.path)
    if found.kind == "file":
        fix = f"dovetail checkpoint inspect {found}"
        raise CheckpointError("this is a plain file, not a folder of checkpoints", where=str(found), fix=fix)
    listed = children(found.place) if found.kind == "folder" else [found]
    rows = [_row(one, verify=options.verify) for one in listed]
    leftovers = _leftovers(found)
    if options.json:
        print_json(
            {
                "format": "dovetail.checkpoint-ls",
                "path": str(found),
                "checkpoints": rows,
                "leftovers": [
                    {"name": one.path.name, "of": one.name, "removal": one.is_removal, "bytes": one.size_bytes}
                    for one in leftovers
                ],
            }
        )
    else:
        _print(rows)
        if leftovers:
            size = size_text(sum(one.size_bytes for one in leftovers))
            print(f"\n{count_text(len(leftovers), 'unfinished save')} or removal, {size}: dovetail checkpoint gc")
    return worst(_STATUSES.get(row["state"], OK) for row in rows)


def _leftovers(found: Found) -> list[Any]:
    from dovetail_checkpointing.collecting import leftovers

    return leftovers(found.place) if found.kind == "folder" else []


def _row(found: Found, *, verify: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": found.name,
        "kind": found.kind,
        "step": found.step,
        "saved": found.saved,
        "bytes": None,
        "tensors": None,
        "metrics": {},
        "state": "unverified",
        "problem": None,
    }
    try:
        row |= _told(found)
        if verify:
            row |= _verified(found)
    except CheckpointError as error:
        state = {CheckpointUnsafeError: "unsafe", CheckpointVersionError: "newer"}.get(type(error), "damaged")
        row |= {"state": state, "problem": str(error.cause or error.got or error.what)}
    if found.is_quarantined:
        row["state"] = "quarantined"
    return row


def _told(found: Found) -> dict[str, Any]:
    """What the manifest says, which is all that is read."""
    import dovetail_checkpointing as checkpointing

    with checkpointing.open(found.checkpoint, verify="header") as reader:
        manifest, file = reader.manifest, reader.folder.open(MANIFEST)
        manifest_bytes = file.size_bytes
        file.close()
    return {
        "step": found.step if manifest.step is None else manifest.step,
        "bytes": sum(file.size_bytes for file in manifest.files) + manifest_bytes,
        "tensors": len(manifest.tensors),
        "metrics": dict(manifest.metrics),
    }


def _verified(found: Found) -> dict[str, Any]:
    from .verify import verify_found

    with Progress(f"verifying {found.name}") as progress:
        verified = verify_found(found, "full", progress)
    if verified.is_sound:
        return {"state": "sound"}
    return {"state": "damaged", "problem": f"{verified.damages[0].file}: {verified.damages[0].what}"}


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        print("no checkpoints")
        return
    titles = ("checkpoint", "step", "saved (UTC)", "tensors", "bytes", "metrics", "state")
    print(table(titles, [_cells(row) for row in rows], right=(1, 3, 4)))
    for row in rows:
        if row["problem"]:
            print(f"\n{plain(row['name'])}: {plain(row['problem'])}")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    metrics = ", ".join(f"{plain(name)} {number_text(value)}" for name, value in row["metrics"].items())
    return (
        plain(row["name"]),
        "–" if row["step"] is None else str(row["step"]),
        row["saved"] or "–",
        "–" if row["tensors"] is None else f"{row['tensors']:,}",
        "–" if row["bytes"] is None else size_text(row["bytes"]),
        metrics or "–",
        row["state"] + (", a program" if row["kind"] == "program" else ""),
    )
