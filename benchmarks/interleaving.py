"""The order of turns: A B C, then C B A, and so on, so that a drift of the machine touches all alike."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def turns(items: Sequence[Item], rounds: int) -> list[list[Item]]:
    """The items of each round in their order; every second round is backwards."""
    return [list(items) if index % 2 == 0 else list(reversed(items)) for index in range(rounds)]
