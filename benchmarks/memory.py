"""How much memory this process has had at most, and how much of that its steps took."""

import ctypes
import gc
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFERENCES = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # Source: proc_pid_clear_refs(5)


@dataclass(frozen=True, slots=True)
class Resident:
    """Resident bytes: the most since the last reset, all of now, and what of that no file backs."""

    peak_bytes: int
    bytes: int
    anonymous_bytes: int

    @property
    def peak_anonymous_bytes(self) -> int:
        """The most that no file backed, if libraries and other files took as much then as they do now."""
        return self.peak_bytes - (self.bytes - self.anonymous_bytes)


def resident() -> Resident | None:
    """What the system says; None where it doesn't say so much."""
    if not _STATUS.exists():
        return None
    pairs = (line.split(":", 1) for line in _STATUS.read_text().splitlines() if line.endswith("kB"))
    kibibytes = {name: int(value.split()[0]) for name, value in pairs}
    if not {"VmHWM", "VmRSS", "RssAnon"} <= set(kibibytes):
        return None
    return Resident(kibibytes["VmHWM"] << 10, kibibytes["VmRSS"] << 10, kibibytes["RssAnon"] << 10)


def peak_bytes() -> int:
    """The largest resident size so far, or since `reset_peak`.

    Linux's `ru_maxrss` can be the parent's, from before the program was replaced, so the status file comes first.
    """
    found = resident()
    if found is not None:
        return found.peak_bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def release() -> None:
    """Give back to the system what nobody uses any more, as far as Python and the C library can."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def reset_peak() -> bool:
    """Let the peak begin anew from what is resident now; False where the system has no such thing."""
    try:
        _CLEAR_REFERENCES.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


class StepMemory:
    """What steps take above a loaded model: `loaded`, then the first step, then `settled`, then further steps.

    Only memory that no file backs counts, so the code of libraries that are loaded meanwhile does not.
    """

    def __init__(self) -> None:
        self._peaks: list[int] = []
        self._loaded: Resident | None = None
        self._first: int | None = None

    def loaded(self) -> None:
        """Model and batches are there; the first step comes next."""
        self._loaded = resident() if self._begin_anew() else None

    def settled(self) -> None:
        """The first steps are done, whatever is compiled is compiled."""
        self._first = self._above_loaded()
        if not self._begin_anew():
            self._loaded = None

    def found(self) -> dict[str, int | None]:
        """The process's peak; the first steps' and the further steps', above the loaded model."""
        peak = max([*self._peaks, peak_bytes()])
        return {"peak_bytes": peak, "first_step_bytes": self._first, "step_bytes": self._above_loaded()}

    def _above_loaded(self) -> int | None:
        now = resident()
        if now is None or self._loaded is None:
            return None
        return now.peak_anonymous_bytes - self._loaded.anonymous_bytes

    def _begin_anew(self) -> bool:
        release()
        self._peaks.append(peak_bytes())
        return reset_peak()
