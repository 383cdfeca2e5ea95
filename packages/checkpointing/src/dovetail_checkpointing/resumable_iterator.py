"""Data that goes on where it left off: an iterator whose place is saved with the rest of a training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, Self, TypeVar, final

from dovetail_protocols.errors import AttributeValueError

Item = TypeVar("Item")


@final
class ResumableIterator(Generic[Item]):
    """The items of `begin(0)`; after a restore, those of `begin(place)`, where `place` items had been given before.

    `begin` must give the same items each time, from any place: what is random in them follows from a seed and the
    place. Prefetching inside of it is fine, since only items that were given count. One thread at a time takes items.

        def begin(place):
            epoch, batch = divmod(place, BATCHES)
            ...

        batches = ResumableIterator(begin)
        checkpoint = Checkpoint(model=model, batches=batches)
    """

    def __init__(self, begin: Callable[[int], Iterable[Item]]) -> None:
        self._begin = begin
        self._items: Iterator[Item] | None = None
        self._place = 0

    @property
    def place(self) -> int:
        """How many items have been given."""
        return self._place

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        if self._items is None:
            self._items = iter(self._begin(self._place))
        try:
            item = next(self._items)
        except StopIteration:
            raise
        except BaseException:
            self._items = None  # a generator that has raised is at its end; the next call begins it anew, at this item
            raise
        self._place += 1
        return item

    def move_to(self, place: int) -> None:
        """The next item is that number, from 0.

        Raises: AttributeValueError for a negative one.
        """
        if place < 0:
            raise AttributeValueError("an iterator has no such place", where="place", expected="≥ 0", got=place)
        self._place, self._items = place, None

    def checkpoint_state(self) -> Mapping[str, Any]:
        """The place."""
        return {"place": self._place}

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        """Goes on from the place that was saved."""
        self.move_to(scalars["place"])
