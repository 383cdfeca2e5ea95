"""`dovetail checkpoint`: its subcommands, and what their exit statuses mean."""

from __future__ import annotations

import argparse
import sys

from dovetail_protocols.errors import DovetailError

from . import convert, diff, gc, inspect, ls, quarantine, verify
from .failures import NOT_DONE, error_document, status_of
from .json_output import print_json
from .text import plain_lines

SUBCOMMANDS = (ls, inspect, verify, diff, convert, gc, quarantine)
STATUSES = """exit status:
  0  all is well: sound, or the same
  1  damaged, or different
  2  it could not be done: wrong usage, nothing there, somebody else is writing, a newer format
  3  unsafe: a link for a file, a size beyond the limits, a name that leaves its folder, a pickle that would run code"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = STATUSES
    subparsers = parser.add_subparsers(dest="subcommand", required=True)
    for module in SUBCOMMANDS:
        help_text = (module.__doc__ or "").splitlines()[0]
        subparser = subparsers.add_parser(
            module.__name__.rpartition(".")[2],
            help=help_text,
            description=help_text,
            epilog=STATUSES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(subparser)
        subparser.add_argument("--json", action="store_true", help="print JSON, for programs")
        subparser.set_defaults(run_subcommand=module.run)


def run(options: argparse.Namespace) -> int:
    """Runs a subcommand; errors are told on the error stream, and in JSON where that was asked for."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names hold more characters than some terminals have
    try:
        status: int = options.run_subcommand(options)
        return status
    except BrokenPipeError:
        raise
    except DovetailError as error:
        return _told(options, error, status_of(error))
    except OSError as error:
        where = error.filename or "storage"
        return _told(options, DovetailError("a file can't be used", where=where, cause=error.strerror), NOT_DONE)


def _told(options: argparse.Namespace, error: DovetailError, status: int) -> int:
    print(plain_lines(f"dovetail checkpoint {options.subcommand}: {error}"), file=sys.stderr)
    if options.json:
        print_json({"format": f"dovetail.checkpoint-{options.subcommand}", "error": error_document(error)})
    return status
