"""Two processors and two threads for everyone."""

import os
from collections.abc import Mapping
from pathlib import Path

THREADS = 2


def available() -> list[int]:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def pin() -> None:
    """Keep this process on two processors of separate cores, where the system allows: some pools ignore variables."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, choose(siblings(available())))


def siblings(processors: list[int], root: Path = Path("/sys/devices/system/cpu")) -> dict[int, str]:
    """Processor to a text that processors of the same core share; unknown ones count as cores of their own."""
    groups = {}
    for processor in processors:
        file = root / f"cpu{processor}" / "topology" / "thread_siblings_list"
        groups[processor] = file.read_text().strip() if file.exists() else str(processor)
    return groups


def choose(cores: Mapping[int, str]) -> list[int]:
    """Two processors, of different cores if there are two."""
    first_of_core = list({core: processor for processor, core in reversed(list(cores.items()))}.values())[::-1]
    others = [processor for processor in cores if processor not in first_of_core]
    return [*first_of_core, *others][:THREADS]
