"""Run a script, and write what its compiled functions ran when: dovetail profile train.py --out trace.json."""

from __future__ import annotations

import argparse
import sys

from .script import find_script, run_script


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="trace.json", help="the file to write (default: trace.json)")
    parser.add_argument("script", help="a Python file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")


def run(options: argparse.Namespace) -> int:
    from dovetail_functions import profile

    script = find_script(options.script)
    with profile(options.out):
        run_script(script, options.arguments)
    print(f"wrote {options.out}: open it in chrome://tracing or ui.perfetto.dev", file=sys.stderr)
    return 0
