"""Run a script, and write what its compiled functions ran when: dovetail profile train.py --out trace.json."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

from dovetail_protocols.errors import AttributeValueError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="trace.json", help="the file to write (default: trace.json)")
    parser.add_argument("script", help="a Python file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")


def run(options: argparse.Namespace) -> int:
    from dovetail_functions import profile

    script = Path(options.script)
    if not script.is_file():
        raise AttributeValueError(f"there is no script {str(script)!r}", expected="the path of a Python file")
    given, path = sys.argv, sys.path[:]
    sys.argv, sys.path[0] = [str(script), *options.arguments], str(script.resolve().parent)
    try:
        with profile(options.out):
            runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv, sys.path[:] = given, path
    print(f"wrote {options.out}: open it in chrome://tracing or ui.perfetto.dev", file=sys.stderr)
    return 0
