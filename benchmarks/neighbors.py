"""How much of the processors' time went to programs that are not part of the run."""

import os
import time
from pathlib import Path

from benchmarks.threads import available

BUSY = 0.05  # above this share a timing is called disturbed
_STATISTICS = Path("/proc/stat")
_IDLE = (3, 4)  # idle and waiting for a disk. Source: proc_stat(5)
_GUEST = slice(8, None)  # counted as user time already


class Neighbors:
    """Begins to watch when made. Processes of our own count once they have ended and been waited for."""

    def __init__(self) -> None:
        self._start, self._busy, self._own = time.perf_counter(), busy_seconds(), _own_seconds()

    def share(self) -> float | None:
        """The others' time since then, as a share of all time of our processors; None where the system doesn't say."""
        busy = busy_seconds()
        if busy is None or self._busy is None:
            return None
        elapsed = (time.perf_counter() - self._start) * len(available())
        return max(0.0, (busy - self._busy) - (_own_seconds() - self._own)) / elapsed


def busy_seconds(statistics: Path = _STATISTICS) -> float | None:
    """Seconds that the processors of this process have worked for anyone, other virtual machines included."""
    if not statistics.exists():
        return None
    processors = {f"cpu{processor}" for processor in available()}
    ticks = 0
    for line in statistics.read_text().splitlines():
        name, *columns = line.split()
        if name in processors:
            numbers = [int(column) for column in columns]
            ticks += sum(numbers) - sum(numbers[place] for place in _IDLE) - sum(numbers[_GUEST])
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    return sum(os.times()[:4])
