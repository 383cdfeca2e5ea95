"""Whether what is found after a power cut is what was promised."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import Enum

from .states import State


class Verdict(Enum):
    """`SOUND`: the last save that had returned, or one that began later, or, before any had returned, nothing."""

    SOUND = "sound"
    LOST = "lost"
    """A save had returned, and nothing can be loaded."""
    STALE = "stale"
    """An older save than the last that had returned."""
    WRONG = "wrong"
    """Values that no save wrote, without an error."""


def verdict(state: State, load: Callable[[State], Hashable]) -> Verdict:
    """Judges a state by what `load` finds in it: the name of the save whose values they are to the bit, None where
    nothing is there or it is refused, anything else for other values."""
    found = load(state)
    if found is None:
        return Verdict.LOST if state.returned else Verdict.SOUND
    if found not in state.begun:
        return Verdict.WRONG
    last = state.begun.index(state.returned[-1]) if state.returned else 0
    return Verdict.SOUND if state.begun.index(found) >= last else Verdict.STALE
