"""What a run measures, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Names of workloads and drivers in order, and the effort.

    Each framework has `rounds` turns of about `turn_seconds` a workload, with a pause of `settle_seconds` before it in
    which the last one's threads stop spinning. First calls and imports are done in `start_rounds` fresh processes.
    `curve_steps` replaces the workloads' own number of compared losses. Checkpoints have about `checkpoint_bytes`, or
    `checkpoint_tensors` tiny tensors, and `checkpoint_rounds` turns, as disks are noisy. `notes` go into the report.
    """

    workloads: tuple[str, ...]
    drivers: tuple[str, ...]
    rounds: int = 5
    turn_seconds: float = 0.25
    settle_seconds: float = 0.15
    start_rounds: int = 2
    curve_steps: int | None = None
    checkpoint_rounds: int = 7
    checkpoint_bytes: int = 512 << 20
    checkpoint_tensors: int = 100_000
    notes: tuple[str, ...] = ()
