"""Calling a program without knowing how arrays lie in memory: for Pythons other than CPython, and other NumPys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .driver import driver
from .structures import Context, InputEntry, OutputEntry, Patch, Pool
from .threads import CELL, pool_words

if TYPE_CHECKING:
    from .executable import ContextMemory

Array = np.ndarray[Any, Any]


class PlainCall:
    """Does what the function of call.py does, for arrays that were checked: gives the outputs, or None where there is
    no context, or no pool yet."""

    def __init__(self, contexts: Sequence[ContextMemory]) -> None:
        self._contexts = contexts

    def __call__(self, *arrays: Array) -> tuple[Array, ...] | None:
        parallel = bool(self._contexts) and bool(self._contexts[0].words[Context.PARALLEL])
        pool = int(CELL[0]) if parallel else 0
        if parallel and not pool:
            return None
        workers = int(pool_words(pool)[Pool.WORKERS]) if pool else 0
        for context in self._contexts:
            if context.words[Context.SLOTS] > workers and context.lock.acquire(blocking=False):
                try:
                    return self._run(context, pool, arrays)
                finally:
                    context.lock.release()
        return None

    def _run(self, context: ContextMemory, pool: int, arrays: Sequence[Array]) -> tuple[Array, ...]:
        outputs = []
        for place, maker in enumerate(context.makers):
            entry = context.entry(Context.OUTPUTS, place, OutputEntry.SIZE)
            source = int(entry[OutputEntry.IS])
            outputs.append(maker() if source < 0 else arrays[source])
            if source < 0:
                _relocate(context, outputs[-1], entry, OutputEntry)
        for place, array in enumerate(arrays):
            _relocate(context, array, context.entry(Context.INPUTS, place, InputEntry.SIZE), InputEntry)
        driver().interpret(context.address, pool or None)
        return tuple(outputs)


def _relocate(
    context: ContextMemory,
    array: Array,
    entry: np.ndarray[Any, np.dtype[np.int64]],
    layout: type[InputEntry] | type[OutputEntry],
) -> None:
    """Writes the address of an array's elements into the words that need it."""
    first, end = context.place(int(entry[layout.FIRST])), context.place(int(entry[layout.END]))
    for patch in context.words[first:end].reshape(-1, Patch.SIZE):
        context.words[context.place(int(patch[Patch.WORD]))] = array.ctypes.data + patch[Patch.BYTES]
