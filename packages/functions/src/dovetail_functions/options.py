"""What a user may choose about a function, and whether functions are traced at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.records import record

_run_eagerly = False


@record
class Options:
    """The keyword arguments of `function`; see there."""

    input_signature: Sequence[Any] | None = None
    reduce_retracing: bool = False
    name: str | None = None
    compilers: tuple[str, ...] | None = None
    strict: bool = False


def run_functions_eagerly(run_eagerly: bool) -> None:
    """With True, calls of functions run their Python code as it stands, for debugging; with False they are traced."""
    global _run_eagerly
    _run_eagerly = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Whether functions run eagerly now."""
    return _run_eagerly
