"""What to say of a checkpoint that doesn't fit: every difference, and what to pass to restore all the same."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from dovetail_protocols.errors import CheckpointMismatchError

from .matching import Match, Missing, Rename, Unexpected

LISTED = 40
"""Differences that one error lists; it counts the rest."""
_SUGGESTED = 8
"""Names that one argument is written out with."""
_MAY_WAIT = (
    "if its variables are not made yet, use them once, or let values wait: with bind(path, tree) as status: …; else "
)
_TREE = "the tree itself"
_COMPARED = 1 << 16
"""Pairs of names that are compared at most."""


def refuse_mismatch(
    where: str, found: Match, missing: Missing, unexpected: Unexpected, rename: Rename, *, has_objects: bool
) -> None:
    """Raises: CheckpointMismatchError with every difference, and with what to pass to restore all the same.
    `has_objects`: whether the target has some that may make variables later."""
    near = _near(found) if missing == "error" else {}
    differences = [difference.text for difference in found.differences.values()]
    if missing == "error":
        differences += [
            f"{name or _TREE}: not in the checkpoint" + (f"; it has {_seen(name, near[name])}" if name in near else "")
            for name in found.missing
        ]
    if unexpected == "error":
        differences += [f"{name or _TREE}: in the checkpoint, but not in the target" for name in found.unexpected]
    if not differences:
        return
    listed = differences[:LISTED] + ([f"and {len(differences) - LISTED} more"] if len(differences) > LISTED else [])
    raise CheckpointMismatchError(
        f"a checkpoint does not fit its target: {len(differences)} difference{'s' * (len(differences) > 1)}",
        where=where,
        got="\n    ".join(["", *listed]),
        effect="nothing was changed",
        fix=(_MAY_WAIT if has_objects and found.unexpected else "") + _fix(found, near, rename),
    )


def _seen(name: str, other: str) -> str:
    return other if name != other else "something else there: an array in one of them is a scalar in the other"


def _near(found: Match) -> dict[str, str]:
    """Of each missing name the nearest one that is left over, each once."""
    left = list(found.unexpected)
    near = {}
    for name in found.missing if len(left) * len(found.missing) < _COMPARED else ():
        for other in get_close_matches(name, left, 1):
            near[name] = other
            left.remove(other)
    return near


def _fix(found: Match, near: Mapping[str, str], rename: Rename) -> str:
    """The arguments with which the same call succeeds."""
    kinds = found.kinds_unexpected
    renames = {name: other for name, other in near.items() if kinds.get(other) == found.kinds_missing[name]}
    if callable(rename) or len(renames) > _SUGGESTED:
        renames = {}
    unfit = [name for name, difference in found.differences.items() if not difference.is_cast]
    ways = []
    if renames:
        ways.append(f"rename={ {**({} if callable(rename) else rename), **renames} }")
    if len(found.missing) > len(renames):
        ways.append('missing="keep"')
    if len(found.unexpected) > len(renames) and not unfit:  # with only= nobody asks for the rest
        ways.append('unexpected="ignore"')
    if unfit:
        ways.append(_leaving_out(unfit))
    if len(found.differences) > len(unfit):
        ways.append('cast="allow"')
    return "build the target as it was when it was saved, or pass " + ", ".join(ways)


def _leaving_out(names: list[str]) -> str:
    if len(names) > _SUGGESTED:
        return "only= with the names that fit"
    return f"only=lambda name: name not in {names}"
