"""Functions that run at once, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence


def in_threads(functions: Sequence[Callable[[], None]]) -> list[Exception]:
    """What the functions raised, run at once; they start together, and all have ended."""
    barrier = threading.Barrier(len(functions))
    raised: list[Exception] = []

    def guarded(function: Callable[[], None]) -> None:
        barrier.wait()
        try:
            function()
        except Exception as error:  # noqa: BLE001 - given to the thread that asks
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
