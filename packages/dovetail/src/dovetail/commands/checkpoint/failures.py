"""What went wrong, as an exit status and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError, DovetailError

OK, DAMAGED, NOT_DONE, UNSAFE = 0, 1, 2, 3


def status_of(error: DovetailError) -> int:
    """The exit status for an error."""
    if isinstance(error, CheckpointUnsafeError):
        return UNSAFE
    return DAMAGED if isinstance(error, CheckpointCorruptError) else NOT_DONE


def worst(statuses: Iterable[int]) -> int:
    """The exit status for several: unsafe before damaged, damaged before what could not be done."""
    return max(statuses, key=(OK, NOT_DONE, DAMAGED, UNSAFE).index, default=OK)


def error_document(error: DovetailError) -> dict[str, Any]:
    """An error as JSON: its kind, what failed, and the facts that it has."""
    facts = {name: getattr(error, name) for name in error.FACTS}
    told = {name: str(value) for name, value in facts.items() if value is not None}
    return {"kind": type(error).__name__, "what": error.what, **told}
