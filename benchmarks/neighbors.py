"""How much of the processors' time went to programs that are not part of the run."""

import os
import time
from pathlib import Path

from benchmarks.threads import available

BUSY = 0.05  # above this share a timing is called disturbed
_STATISTICS = Path("/proc/stat")
_IDLE = (3, 4)  # idle and waiting for a disk. Source: proc_stat(5)
_GUEST = slice(8, None)  # counted as user time already
_PROCESSES = Path("/proc")
_KERNEL = "2"  # the process that is the parent of the kernel's own threads, which write files to their device


class Neighbors:
    """Begins to watch when made. Processes of our own count once they have ended and been waited for.

    What the kernel's threads do, such as writing a checkpoint to its device, counts as ours.
    """

    def __init__(self) -> None:
        self._start, self._busy, self._own = time.perf_counter(), busy_seconds(), _our_seconds()

    def share(self) -> float | None:
        """The others' time since then, as a share of all time of our processors; None where the system doesn't say."""
        busy = busy_seconds()
        if busy is None or self._busy is None:
            return None
        elapsed = (time.perf_counter() - self._start) * len(available())
        return max(0.0, (busy - self._busy) - (_our_seconds() - self._own)) / elapsed


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


def kernel_seconds(processes: Path = _PROCESSES) -> float:
    """Seconds that the kernel's threads have worked; zero where nobody says."""
    ticks = 0
    for file in processes.glob("[0-9]*/stat"):
        try:
            facts = file.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if facts[1] == _KERNEL:
            ticks += int(facts[11]) + int(facts[12])  # user and system time. Source: proc_pid_stat(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def _our_seconds() -> float:
    return sum(os.times()[:4]) + kernel_seconds()
