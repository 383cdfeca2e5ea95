"""What a checkpoint of a stranger may claim before anything is allocated for it."""

from __future__ import annotations

from dataclasses import dataclass

from dovetail_protocols.errors import CheckpointUnsafeError


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a reader takes. Raise one by `dataclasses.replace` where you trust who wrote the checkpoint.

    Saving keeps to the same limits, so that what was saved can be read.
    """

    manifest_bytes: int = 64 << 20
    program_bytes: int = 256 << 20
    header_bytes: int = 16 << 20
    tensors: int = 1 << 20
    rank: int = 64
    name_bytes: int = 1024


DEFAULT = Limits()


def require_below(what: str, got: int, limit: int, name: str, where: object) -> None:
    """Raises: CheckpointUnsafeError that says which limit would have to be raised."""
    if got > limit:
        raise CheckpointUnsafeError(
            f"{what} is beyond the limit",
            where=where,
            expected=f"at most {limit:,}",
            got=f"{got:,}",
            effect="it was not read",
            fix=f"if you trust who wrote it, pass limits=Limits({name}=…)",
        )
