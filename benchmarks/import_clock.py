"""How long modules took to import while something else was timed."""

import importlib
import threading
import time
from types import TracebackType
from typing import Any, Self

_BOOTSTRAP: Any = importlib._bootstrap  # where `import` looks `_find_and_load` up


class ImportClock:
    """Within the `with`, adds up the seconds that this thread spends finding and executing new modules.

    A framework that imports its compiler at the first call is not slower at compiling than one that does so before.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0
        self._thread = threading.get_ident()
        self._find_and_load = _BOOTSTRAP._find_and_load

    def __enter__(self) -> Self:
        _BOOTSTRAP._find_and_load = self._timed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _BOOTSTRAP._find_and_load = self._find_and_load

    def _timed(self, name: str, import_: Any) -> Any:
        if self._depth or threading.get_ident() != self._thread:
            return self._find_and_load(name, import_)
        self._depth += 1
        start = time.perf_counter()
        try:
            return self._find_and_load(name, import_)
        finally:
            self.seconds += time.perf_counter() - start
            self._depth -= 1
