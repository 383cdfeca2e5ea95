"""Move damaged checkpoints out of the way, so that the latest step is a sound one. Nothing is deleted."""

from __future__ import annotations

import argparse

from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError

from .json_output import print_json
from .places import Found, children, find, find_one
from .progress import Progress
from .text import plain
from .verify import verify_found


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", help="a damaged checkpoint, or a folder: all damaged ones in it are moved")
    parser.add_argument("--even-if-sound", action="store_true", help="don't look: move what is named")


def run(options: argparse.Namespace) -> int:
    """0 where all that was damaged was moved, if anything; 2 where the one that was named is sound."""
    from dovetail_checkpointing import quarantine

    found = find_one(options.path) if options.even_if_sound else find(options.path)
    moved = []
    for one in _candidates(found):
        problem = "moved as asked for" if options.even_if_sound else _problem(one)
        if problem is not None:
            moved.append({"from": str(one), "to": str(quarantine(one.place.spelled)), "problem": problem})
    if not moved and found.kind != "folder":
        raise CheckpointError(
            "this checkpoint is sound",
            where=options.path,
            effect="nothing was moved",
            fix="pass --even-if-sound to move it all the same",
        )
    if options.json:
        print_json({"format": "dovetail.checkpoint-quarantine", "moved": moved})
        return 0
    for entry in moved:
        print(f"{plain(entry['from'])}: {plain(entry['problem'])}\n  is now {plain(entry['to'])}")
    if not moved:
        print("nothing is damaged: nothing was moved")
    return 0


def _candidates(found: Found) -> list[Found]:
    if found.kind != "folder":
        return [found]
    return [one for one in children(found.place) if not one.is_quarantined]


def _problem(found: Found) -> str | None:
    """What is wrong with it, or None where it is sound."""
    try:
        with Progress(f"verifying {found}") as progress:
            verified = verify_found(found, "full", progress)
    except CheckpointUnsafeError as error:
        return f"unsafe: {error.what}"
    if verified.is_sound:
        return None
    return f"{verified.damages[0].file}: {verified.damages[0].what}"
