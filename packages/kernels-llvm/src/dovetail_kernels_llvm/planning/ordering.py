"""What runs when: the pieces of a plan, and an order for them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ..kernels.kernel import Launch
from ..runtime.schedule import Step

Work: TypeAlias = Launch | Step
"""What a plan runs: launches, and loops and choices."""


class Item:
    """Something that runs at one time: `write` gives its work, once it is known where everything lies. `needs`: the
    items that come before; `reads` and `makes`: the numbers of values. `place`: where it stands in the body."""

    def __init__(self, place: int, write: Callable[[], Sequence[Work]]) -> None:
        self.place, self.write = place, write
        self.needs: set[Item] = set()
        self.reads: set[int] = set()
        self.makes: set[int] = set()


def in_order(items: Sequence[Item]) -> list[Item]:
    """Items in an order in which each comes after those that it needs, otherwise near the body's own."""
    numbers = {id(item): number for number, item in enumerate(items)}
    waits = [{numbers[id(one)] for one in item.needs} for item in items]
    priorities = [item.place for item in items]
    for number in reversed(topological(waits)):  # what others wait for comes as early as they do
        for one in waits[number]:
            priorities[one] = min(priorities[one], priorities[number])
    return [items[number] for number in topological(waits, priorities)]


def topological(waits: Sequence[set[int]], priorities: Sequence[int] | None = None) -> list[int]:
    """Numbers in an order in which each comes after those it waits for; of those ready, the lowest priority first."""
    rank = priorities or range(len(waits))
    users: dict[int, list[int]] = {}
    for number, before in enumerate(waits):
        for one in before:
            users.setdefault(one, []).append(number)
    left = [len(before) for before in waits]
    ready = [(rank[number], number) for number, count in enumerate(left) if not count]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, done = heapq.heappop(ready)
        ordered.append(done)
        for user in users.get(done, ()):
            left[user] -= 1
            if not left[user]:
                heapq.heappush(ready, (rank[user], user))
    assert len(ordered) == len(waits), "the plan goes in a circle"
    return ordered
