"""Restoring together: all ranks get their values out of the same checkpoint, or none changes anything."""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.errors import CheckpointError

from ..replacing import REPLACEMENTS, Prepared, Restored
from .exchange import Exchange, Outcome, attempted


def restore_together(prepare: Callable[[], Prepared], exchange: Exchange) -> Restored:
    """What this rank restored, once every rank has; `prepare` reads what this rank wants.

    Raises: the failure of any rank, the same on all of them; nothing is changed then.
    """
    prepared = _prepared_alike(prepare, exchange)
    applied = attempted(prepared.apply)
    try:
        exchange.agree(Outcome(error=applied.error), lambda _: None)
    except BaseException:
        prepared.undo()
        raise
    restored: Restored = applied.value
    return restored


def _prepared_alike(prepare: Callable[[], Prepared], exchange: Exchange) -> Prepared:
    for _ in range(REPLACEMENTS + 1):  # more than once where it is replaced between one's reading and another's
        own = attempted(prepare)
        digest = own.value.digest if own.error is None else None
        if exchange.agree(Outcome(digest, own.error), lambda digests: len(set(digests)) == 1):
            prepared: Prepared = own.value
            return prepared
    raise CheckpointError(
        "ranks that restore together read different checkpoints",
        where=exchange.where,
        cause="it is replaced again and again, or the ranks don't see the same storage",
        effect="nothing was restored",
        fix="give all ranks the same path, in storage that all of them see; restore when nobody saves there",
    )
