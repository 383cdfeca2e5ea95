"""Convert weights between checkpoints, safetensors, NumPy, PyTorch and Keras files. Nothing in them is executed."""

from __future__ import annotations

import argparse
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import AttributeValueError, CheckpointError, DovetailError

from .json_output import print_json
from .places import nothing_there
from .progress import Progress
from .text import count_text, plain, size_text

FORMATS = ("dovetail", "safetensors", "huggingface", "numpy", "pytorch", "keras")
_SHOWN = 8


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="a checkpoint folder, or a file in another format, which its suffix tells")
    parser.add_argument("target", help="what to write: a folder, or a file whose suffix tells the format")
    parser.add_argument("--to", choices=FORMATS, help="the target's format, where its name doesn't tell")
    parser.add_argument("--source-format", choices=FORMATS, help="the source's format, where its name doesn't tell")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="names of the source and what they become, such as 'encoder.*=model/encoder/*' (repeatable)",
    )
    parser.add_argument(
        "--like",
        metavar="MODULE:ATTRIBUTE",
        help="a built module of yours, or a function that gives it: weights are moved between its layout and PyTorch's "
        "or Keras's",
    )
    parser.add_argument("--source-layout", choices=("pytorch", "keras", "dovetail"), help="whose layout the source has")
    parser.add_argument("--target-layout", choices=("pytorch", "keras", "dovetail"), help="whose layout to write")
    parser.add_argument(
        "--unexpected",
        choices=("error", "keep", "drop"),
        default="error",
        help="what to do with arrays that belong to no layer of --like, and scalars that the target can't hold",
    )
    parser.add_argument("--drop-remainder", action="store_true", help="leave out what only the way back needs")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument(
        "--allow-code-execution",
        action="store_true",
        help="let PyTorch load a .pt file that can't be read otherwise: RUNS WHATEVER IS IN IT",
    )


def run(options: argparse.Namespace) -> int:
    """0 once the target is written whole."""
    from dovetail_checkpointing.interchange import convert

    if "://" not in options.source and not os.path.lexists(options.source):
        raise nothing_there(options.source)
    like = None if options.like is None else module_like(options.like)
    new_names = dict(map(_renaming, options.name))
    try:
        with Progress(f"converting {options.source}") as progress:
            converted = convert(
                options.source,
                options.target,
                to=options.to,
                source_format=options.source_format,
                like=like,
                names=new_names,
                source_layout=options.source_layout,
                target_layout=options.target_layout,
                unexpected=options.unexpected,
                remainder="drop" if options.drop_remainder else "keep",
                allow_code_execution=options.allow_code_execution,
                overwrite=options.overwrite,
                progress=progress.update,
            )
    except DovetailError as error:
        error.fix = None if error.fix is None else as_options(str(error.fix))
        raise
    if options.json:
        print_json(
            {
                "format": "dovetail.checkpoint-convert",
                "target": str(converted.target),
                "tensors": list(converted.arrays),
                "scalars": list(converted.scalars),
                "remainder": list(converted.remainder),
                "dropped": list(converted.dropped),
                "bytes": converted.size_bytes,
            }
        )
        return 0
    tensors, scalars = count_text(len(converted.arrays), "tensor"), count_text(len(converted.scalars), "scalar")
    print(f"{plain(str(converted.target))}: {tensors}, {scalars}, {size_text(converted.size_bytes)}")
    for what, names in (("for the way back only", converted.remainder), ("left out", converted.dropped)):
        if names:
            left = len(names) - _SHOWN
            more = f" and {left:,} more" if left > 0 else ""
            print(f"  {what}: {', '.join(map(plain, names[:_SHOWN]))}{more}")
    return 0


_ARGUMENT = re.compile(
    r"\b(to|source_format|source_layout|target_layout|unexpected|overwrite|allow_code_execution)="
    r'(?:True\b|"(\w+)"|(?=[ ;,]|$))'
)


def as_options(fix: str) -> str:
    """What a message says to pass in Python, as options of the command."""
    fix = fix.replace('names={"encoder.*": "encoder/*"}', "--name 'encoder.*=encoder/*'").replace(
        "names={...}", "--name OLD=NEW"
    )
    return _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')}" + (f" {found[2]}" if found[2] else ""), fix)


def _renaming(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not (old and sign and new):
        raise AttributeValueError(f"--name {text!r} can't be read", expected="OLD=NEW, such as 'encoder.*=encoder/*'")
    return old, new


def module_like(text: str) -> Any:
    """The module that MODULE:ATTRIBUTE names; a function is called for it. It is looked for in the current folder too.

    Raises: AttributeValueError where there is none; whatever importing it raises.
    """
    module, sign, attribute = text.partition(":")
    if not (module and sign and attribute):
        raise AttributeValueError(
            f"--like {text!r} can't be read", expected="MODULE:ATTRIBUTE, such as 'models:scorer'"
        )
    sys.path.insert(0, str(Path.cwd()))  # where `python -m` would look too
    try:
        named = getattr(import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        raise AttributeValueError(f"--like {text!r} names nothing", cause=error, fix="check both names") from error
    finally:
        sys.path.remove(str(Path.cwd()))
    if not hasattr(named, "checkpoint_state") and callable(named):
        named = named()
    if not hasattr(named, "checkpoint_state"):
        raise CheckpointError("--like names no module", where=text, got=type(named).__name__)
    return named
