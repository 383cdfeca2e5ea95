"""Remove what killed saves and removals left behind; with --dry-run only show it. Finished checkpoints stay."""

from __future__ import annotations

import argparse
import logging

from .json_output import print_json
from .places import find
from .text import count_text, plain, size_text


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", default=".", help="the folder that checkpoints are saved in (default: .)")
    parser.add_argument("--dry-run", action="store_true", help="show what would be removed")


def run(options: argparse.Namespace) -> int:
    """0; what somebody is at work on is left alone, and said to be."""
    from dovetail_checkpointing.collecting import collect, leftovers

    logging.getLogger("dovetail.checkpointing").addHandler(logging.NullHandler())  # what it logs is printed below
    place = find(options.path).place
    there = leftovers(place)
    removed = {one.path: one for one in collect(place, dry_run=options.dry_run)}
    total = sum(one.size_bytes for one in removed.values())
    if options.json:
        documents = [
            {
                "name": one.path.name,
                "of": one.name,
                "removal": one.is_removal,
                "bytes": one.size_bytes,
                "in_use": one.path not in removed,
            }
            for one in there
        ]
        print_json(
            {
                "format": "dovetail.checkpoint-gc",
                "path": str(place),
                "dry_run": options.dry_run,
                "leftovers": documents,
                "bytes": total,
            }
        )
        return 0
    for one in there:
        what = "unfinished removal" if one.is_removal else "unfinished save"
        done = "would be removed" if options.dry_run else "removed"
        state = done if one.path in removed else "left alone, somebody is at work on it"
        print(f"{plain(one.path.name)}: {what} of {plain(one.name)}, {size_text(one.size_bytes)}, {state}")
    verb = "would be freed" if options.dry_run else "freed"
    print(f"{count_text(len(removed), 'leftover')}, {size_text(total)} {verb}" if there else "nothing is left behind")
    return 0
