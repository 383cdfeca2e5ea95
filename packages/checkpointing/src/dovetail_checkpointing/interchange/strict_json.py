"""JSON objects of foreign files: no name twice, no NaN, no half of a surrogate pair, not too deep."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError

from .limits import ForeignLimits

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_OTHERS = re.compile(rb"[^\[\]{}]+")


class _Duplicate(ValueError):
    pass


def parse(text: bytes, limits: ForeignLimits, where: str) -> dict[str, Any]:
    """The object that a text is.

    Raises: CheckpointCorruptError where it is none, CheckpointUnsafeError for a name that stands twice, half of a
    surrogate pair or a text that is nested too deep.
    """
    _refuse_depth(text, limits, where)
    try:
        integer = _signed_zero_is_float if b"-0" in text else None  # asked for each integer, it takes time
        found = json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant, parse_int=integer
        )
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except _Duplicate as error:
        raise CheckpointUnsafeError("a name stands twice", where=where, got=str(error)) from error
    except UnicodeEncodeError as error:  # other parsers refuse half of a pair
        raise CheckpointUnsafeError(
            "a name or value is no Unicode text", where=where, cause=str(error)[:200]
        ) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointCorruptError("this is no JSON", where=where, cause=str(error)[:200]) from error
    if not isinstance(found, dict):
        raise CheckpointCorruptError("this is no JSON object", where=where, got=type(found).__name__)
    return found


def _refuse_depth(text: bytes, limits: ForeignLimits, where: str) -> None:
    """Counts brackets outside of strings, before a parser recurses into them."""
    depth = deepest = 0
    for byte in _OTHERS.sub(b"", _STRINGS.sub(b"", text)):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > limits.depth:
        raise CheckpointUnsafeError(
            "JSON is nested too deep",
            where=where,
            expected=f"at most {limits.depth}",
            got=deepest,
            fix="if you trust the file, pass limits=ForeignLimits(depth=...)",
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Duplicate(repr(name)[:200])
        found[name] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _signed_zero_is_float(text: str) -> int | float:
    """As other parsers have it, so that none refuses what this one takes for an integer."""
    return -0.0 if text == "-0" else int(text)
