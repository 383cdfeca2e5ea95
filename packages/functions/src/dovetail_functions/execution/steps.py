"""The steps that a program makes: one call each, on buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols.records import record


@record
class Step:
    """One call: `run` takes the buffers of the values numbered `inputs` (None for an operand left out) and gives those
    of `outputs`, in a tuple if `several`. For errors, `what` says what it computes and `source` whose line that is,
    `runner` what it is ("kernel acme/mm"), and `package` the plug-in that can be left out to compare, or ""."""

    run: Callable[..., Any]
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    several: bool
    what: str
    runner: str
    package: str = ""
    source: str = ""
