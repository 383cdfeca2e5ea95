"""Variables that a restore is through with, by identity, without keeping them alive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref


class Settled:
    """A set of objects that may be neither hashable nor comparable; one that is gone is no longer in it."""

    def __init__(self) -> None:
        self._references: dict[int, Callable[[], Any]] = {}

    def add(self, value: Any) -> None:
        """Puts an object in; one that can't be referred to weakly is kept alive."""
        try:
            self._references[id(value)] = ref(value)
        except TypeError:
            self._references[id(value)] = lambda: value

    def __contains__(self, value: Any) -> bool:
        reference = self._references.get(id(value))
        return reference is not None and reference() is value
