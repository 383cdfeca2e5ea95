"""The file in which a package says what it is known not to do right: each limit with its reason.

case_bank = "2026.11"      # optional: cases that were added to the bank later are advisory for a while

[[limits]]
spec = "exp_fast"          # the kernel's id; of compilers the operation's or the graph's name
dtype = "float16"          # left out: all
level = "L2"
case = "special values"    # left out: all; at levels L1 and L2 a limit must name it
reason = "subnormal numbers are flushed to zero, see issue 12"

[[limits]]
test = "l3_contract[exp_fast-T-float32]"
reason = "one table for all threads until 0.4"
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import DovetailError

from .case_bank import CASE_BANK, CASE_BANKS
from .limits import Limit, Limits

LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5", "L6")
KEYS = ("test", "spec", "dtype", "level", "case", "reason")


class LimitsError(DovetailError, ValueError):
    """A file of limits that can't be read, or an entry that isn't complete."""


def read_limits(path: str | Path | Limits | None) -> Limits:
    """The limits in a file; none for None. A relative path is meant beside the file that makes the suite.

    Limits that were read are given back: suites that share a file share what is met of it.

    Raises: LimitsError.
    """
    if path is None:
        return Limits()
    if isinstance(path, Limits):
        return path
    file = _caller_folder() / path
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LimitsError(f"the limits in {file} can't be read", cause=f"{type(error).__name__}: {error}") from error
    unknown = set(document) - {"limits", "case_bank"}
    if unknown:
        raise LimitsError(f"{file} has {min(unknown)!r}", expected="case_bank and [[limits]]")
    entries = document.get("limits", [])
    if not isinstance(entries, list):
        raise LimitsError(f"limits in {file} is no list", expected="each limit under [[limits]]")
    limits = [_limit(entry, f"{file.name}, limit {number}") for number, entry in enumerate(entries, 1)]
    return Limits(limits, file.name, _case_bank(document.get("case_bank", CASE_BANK), file))


def _limit(entry: Any, where: str) -> Limit:
    """An entry of the file, complete and of texts."""
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise LimitsError("a limit isn't made of texts", where=where, expected=", ".join(KEYS))
    if set(entry) - set(KEYS):
        raise LimitsError(f"a limit has {min(set(entry) - set(KEYS))!r}", where=where, expected=", ".join(KEYS))
    if not entry.get("reason", "").strip():
        raise LimitsError("a limit has no reason", where=where, fix="say why it fails, and until when")
    if "test" in entry:
        if len(entry) != 2:
            raise LimitsError("a limit names a test and more", where=where, expected="test and reason alone")
        return Limit(reason=entry["reason"], test=entry["test"].removeprefix("test_"))
    if not entry.get("spec") or entry.get("level") not in LEVELS:
        raise LimitsError("a limit doesn't say what it is for", where=where, expected="spec and level, or test")
    return Limit(**entry)


def _case_bank(named: Any, file: Path) -> str:
    if named not in CASE_BANKS:
        raise LimitsError(
            f"{file} names the case bank {named!r}",
            expected=", ".join(CASE_BANKS),
            fix="name one of these, or upgrade dovetail-conformance",
        )
    return str(named)


def _caller_folder() -> Path:
    """The folder of the file outside of the kit that makes the suite; the working directory where there is none."""
    frame = sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
        frame = frame.f_back
    file = frame.f_globals.get("__file__")
    return Path(file).resolve().parent if file else Path.cwd()
