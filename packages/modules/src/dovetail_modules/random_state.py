"""Random states of layers and initializers: (counter low, counter high, key), as `random_bits` takes them."""

from __future__ import annotations

from math import prod
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.dtypes import uint64
from dovetail_protocols.operations.distributions import blocks_for
from dovetail_protocols.seeds import fresh_key, key_of


def initial_state(seed: int | None) -> Any:
    """A state at the start of the stream of a seed; None: of a fresh key."""
    key = fresh_key() if seed is None else key_of(seed)
    with interpreting(None):
        return provider().convert([0, 0, key], dtype=uint64)


def draw(state: Any, shape: tuple[int, ...]) -> Any:
    """The state of a variable for one draw of that shape; the variable moves past it."""
    now = ops.read_variable(state)
    ops.assign_variable(state, ops.random_advance(now, blocks=blocks_for(prod(shape))))
    return now
