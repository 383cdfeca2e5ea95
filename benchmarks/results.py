"""What was found, as plain data that goes to JSON as it stands."""

from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.summary import Summary, summarize


@dataclass(slots=True)
class DriverResult:
    """One framework on one workload. `rounds` holds, for each round, the seconds a step of each sample."""

    driver: str
    rounds: list[list[float]] = field(default_factory=list)
    skipped: str | None = None
    failed: str | None = None
    version: str | None = None
    first_call_seconds: float | None = None  # without importing modules
    first_call_import_seconds: float | None = None
    peak_bytes: int | None = None  # of the process
    step_bytes: int | None = None  # of steps, above the loaded model; or of a checkpoint, beyond its tensors
    first_step_bytes: int | None = None  # of the first steps, compiling included, above the loaded model
    evidence_error: float | None = None
    curve_error: float | None = None
    losses: list[float] = field(default_factory=list)

    @property
    def round_seconds(self) -> list[float]:
        """Seconds a step, the median of each round's samples."""
        return [summarize(samples).median for samples in self.rounds if samples]

    @property
    def summary(self) -> Summary | None:
        """The median over rounds and their spread; None if nothing was timed."""
        return summarize(self.round_seconds) if self.round_seconds else None

    @property
    def seconds(self) -> float | None:
        """The median over rounds; None if nothing was timed."""
        return self.summary.median if self.summary else None


@dataclass(slots=True)
class WorkloadResult:
    """Every framework on one workload, in the order asked for."""

    workload: str
    title: str
    drivers: dict[str, DriverResult]
    reference: str | None = None  # where float64 results came from
    kinks: bool = False  # gradients jump where values are within rounding of a kink: see `Training`
    floor_seconds: float | None = None  # what the machine's limits allow
    floor_driver: str | None = None  # or better, whose time is the floor: what Dovetail is built on is no peer
    added_seconds: list[float] = field(default_factory=list)  # above the same without what a workload adds
    payload_bytes: int | None = None  # of a checkpoint's tensors; None for what is no checkpoint
    neighbors: float | None = None  # share of the processors' time that other programs took


@dataclass(frozen=True, slots=True)
class Limits:
    """What this machine was seen to do on two threads, and who did it.

    `native`: the arithmetic is that of multiply-adds alone; else a library's matrix product stands in for it.
    """

    flops_per_second: float
    flops_source: str
    bytes_per_second: float
    bytes_source: str
    flops_per_second_of_one_thread: float | None = None
    native: bool = False


@dataclass(slots=True)
class Report:
    """A whole run."""

    machine: dict[str, str]
    plan: dict[str, Any]
    limits: Limits
    workloads: list[WorkloadResult]

    def to_json(self) -> dict[str, Any]:
        """Everything, every sample included."""
        return asdict(self)
