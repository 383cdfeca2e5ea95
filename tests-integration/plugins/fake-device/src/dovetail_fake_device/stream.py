"""A stream of work: queued where it is asked for, done in order when somebody waits for it."""

import threading

from dovetail_protocols.errors import KernelError

DEPTH = 256
"""How much work may wait: more is done at once, so that its memory is not held for long."""


class Stream:
    """The queue of one device. Safe in several threads: work is done in the order in which it came."""

    def __init__(self, index):
        self.index = index
        self._waiting = []
        self._untold = None
        self._lock = threading.RLock()

    def enqueue(self, name, work, results):
        """Queues work: a function without arguments, which fills the blocks of `results`."""
        with self._lock:
            self._waiting.append((name, work, results))
            if len(self._waiting) >= DEPTH:
                self._run()

    def synchronize(self):
        """Returns when all is done.

        Raises: KernelError for work that failed, once; what waited behind it is dropped.
        """
        with self._lock:
            self._run()
            error, self._untold = self._untold, None
        if error is not None:
            raise error

    def _run(self):
        waiting, self._waiting = self._waiting, []
        failure = None
        for name, work, results in waiting:
            if failure is None:
                try:
                    work()
                except Exception as error:  # noqa: BLE001 - told at the next synchronization
                    failure = KernelError(
                        f"kernel fake/{name} failed on device fake:{self.index}",
                        cause=f"{type(error).__name__}: {error}",
                        effect="it was queued: work that waited behind it was dropped",
                        fix="rerun with DOVETAIL_DEBUG=1, which waits for each kernel",
                    )
                    failure.__cause__ = error
                    self._untold = failure
            if failure is not None:
                for block in results:
                    block.failure = failure
