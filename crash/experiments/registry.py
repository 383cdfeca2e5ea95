"""Every experiment by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from crash.experiments import (
    byte_damage,
    changed_buffers,
    digests,
    disk_cuts,
    full_disks,
    fuzzing,
    hostile,
    kills,
    little_memory,
    power_cuts,
    random_kills,
    resharding,
    sharded_kills,
    storage_errors,
    training,
    worker_failures,
    writers,
)
from crash.experiments.plan import Plan
from crash.results import Result
from crash.stand import Stand

EXPERIMENTS: Mapping[str, Callable[[Stand, Plan], Iterator[Result]]] = {
    "kills": kills.run,
    "random-kills": random_kills.run,
    "storage-errors": storage_errors.run,
    "power-cuts": power_cuts.run,
    "disk-cuts": disk_cuts.run,
    "damage": byte_damage.run,
    "full-disks": full_disks.run,
    "digests": digests.run,
    "writers": writers.run,
    "training": training.run,
    "fuzz": fuzzing.run,
    "hostile": hostile.run,
    "resharding": resharding.run,
    "sharded-kills": sharded_kills.run,
    "changed-buffers": changed_buffers.run,
    "worker-failures": worker_failures.run,
    "little-memory": little_memory.run,
}
