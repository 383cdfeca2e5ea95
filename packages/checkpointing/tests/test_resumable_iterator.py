"""An iterator whose place is saved."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dovetail_checkpointing import Checkpoint, ResumableIterator, restore, save
from dovetail_protocols.errors import AttributeValueError

BATCHES = 5


def shuffled(place: int) -> Iterator[int]:
    """Epochs without end, each in an order of its own."""
    for epoch in itertools.count(place // BATCHES):
        order = np.random.default_rng((3, epoch)).permutation(BATCHES) + BATCHES * epoch
        yield from map(int, order[place % BATCHES :])
        place = 0


@pytest.mark.parametrize("taken", [0, 3, 5, 12])
def test_it_goes_on_where_it_was_saved(tmp_path: Path, taken: int) -> None:
    whole = list(itertools.islice(shuffled(0), 20))
    batches = ResumableIterator(shuffled)
    assert list(itertools.islice(batches, taken)) == whole[:taken]
    save(tmp_path / "c", {"batches": batches})
    next(batches)
    fresh = ResumableIterator(shuffled)
    next(fresh)
    Checkpoint(batches=fresh).restore(tmp_path / "c").assert_consumed()
    assert fresh.place == taken
    assert list(itertools.islice(fresh, 20 - taken)) == whole[taken:]
    restore(tmp_path / "c", {"batches": batches})
    assert next(batches) == whole[taken]


def test_items_that_were_prefetched_and_not_given_do_not_count(tmp_path: Path) -> None:
    begun: list[int] = []

    def begin(place: int) -> Iterator[int]:
        begun.append(place)
        return iter(list(range(place, 10)))  # all at once

    items = ResumableIterator(begin)
    assert [next(items), next(items)] == [0, 1]
    assert items.checkpoint_state() == {"place": 2}
    items.load_checkpoint_state({"place": 9})
    assert begun == [0], "nothing is made before it is needed"
    assert list(items) == [9]
    assert items.place == 10
    assert list(items) == []
    assert begun == [0, 9]


def test_an_item_that_failed_is_tried_again_and_not_taken_for_the_end() -> None:
    failing = [3]

    def begin(place: int) -> Iterator[int]:
        for item in range(place, 5):
            if item in failing:
                failing.remove(item)
                raise ConnectionError
            yield item

    items = ResumableIterator(begin)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ConnectionError):
        next(items)
    assert items.place == 3
    assert list(items) == [3, 4]


def test_a_negative_place_is_refused() -> None:
    items = ResumableIterator(lambda place: iter(range(place, 3)))
    with pytest.raises(AttributeValueError, match="no such place"):
        items.move_to(-1)
