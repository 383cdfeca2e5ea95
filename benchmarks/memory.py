"""How much memory this process has had at most."""

import resource
import sys
from pathlib import Path


def peak_bytes() -> int:
    """The largest resident size so far.

    Linux's `ru_maxrss` can be the parent's, from before the program was replaced, so the status file comes first.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
