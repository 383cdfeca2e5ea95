"""Part: some variables of a layer, the arrays of another framework with the same numbers, and both ways between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Move = Callable[[Sequence[Array]], Sequence[Array]]


@dataclass(frozen=True)
class Part:
    """`own` and `foreign` are names below the layer's path. `into` makes the layer's arrays of the foreign ones, `out`
    the foreign ones of the layer's. Where `is_exact` is False, `out` doesn't always give back what `into` took."""

    own: tuple[str, ...]
    foreign: tuple[str, ...]
    into: Move
    out: Move
    is_exact: bool = True


def unchanged(arrays: Sequence[Array]) -> Sequence[Array]:
    """The move of arrays that are the same in both frameworks."""
    return arrays


def same(own: str, foreign: str) -> Part:
    """One variable that is the same array there."""
    return Part((own,), (foreign,), unchanged, unchanged)


def moved(own: str, foreign: str, into: Callable[[Array], Array], out: Callable[[Array], Array]) -> Part:
    """One variable whose axes lie otherwise there."""
    return Part((own,), (foreign,), lambda arrays: [into(arrays[0])], lambda arrays: [out(arrays[0])])
