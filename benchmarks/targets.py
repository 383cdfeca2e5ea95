"""What Dovetail has to reach, and what it aims at: the performance table of the compiler's issue, line by line."""

from dataclasses import dataclass
from enum import Enum

from benchmarks.drivers.catalogue import UNVERIFIED
from benchmarks.threads import THREADS
from benchmarks.workloads.expressions import SGEMMS
from benchmarks.workloads.rows import ROWS

_SMALL = 256
_CHUNK_BYTES = 8 << 20  # what a checkpoint is written, read and checksummed in


class Measure(Enum):
    """What is compared with a goal."""

    SPEED = "times as fast as the fastest of the target's peers"
    SHARE = "share of the machine's limit"
    SECONDS = "seconds"
    ADDED = "seconds above the same without what the workload adds"
    MEMORY = "memory of steps above the loaded model, as a share of PyTorch's"
    EXTRA = "bytes of memory beyond the tensors"

    @property
    def more_is_better(self) -> bool:
        """Whether a larger value is the better one."""
        return self in (Measure.SPEED, Measure.SHARE)


@dataclass(frozen=True, slots=True)
class Goal:
    """A value of a measure that is reached by it or by a better one."""

    measure: Measure
    value: float

    def excess(self, found: float) -> float:
        """By how much too long, or too large, we are: 0.25 if a time is 25% above what the goal allows; negative if
        better than the goal."""
        ratio = self.value / found if self.measure.more_is_better else found / self.value
        return ratio - 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """A line of the table. The workload that is furthest from a goal decides whether it is reached."""

    title: str
    workloads: tuple[str, ...]
    must: Goal
    aim: Goal
    peers: tuple[str, ...] = ("pytorch", "pytorch-compile", "jax")


def _speed(value: float) -> Goal:
    return Goal(Measure.SPEED, value)


def _share(value: float) -> Goal:
    return Goal(Measure.SHARE, value)


def _seconds(value: float) -> Goal:
    return Goal(Measure.SECONDS, value)


def _added(value: float) -> Goal:
    return Goal(Measure.ADDED, value)


def _extra(size_bytes: int) -> Goal:
    return Goal(Measure.EXTRA, size_bytes)


def _size(name: str) -> int:
    return int(name.rpartition("_")[2])


TARGETS = (
    Target(
        "sgemm 512³ and up, share of the multiply-add limit",
        tuple(sgemm.name for sgemm in SGEMMS if _size(sgemm.name) > _SMALL),
        _share(0.88),
        _share(0.94),
    ),
    Target(
        "sgemm 64³ to 256³, against NumPy, PyTorch, JAX",
        tuple(sgemm.name for sgemm in SGEMMS if _size(sgemm.name) <= _SMALL),
        _speed(1.0),
        _speed(1.4),
        ("numpy", "pytorch", "jax"),
    ),
    Target("tiny training step", ("tiny",), _speed(2.0), _speed(4.0)),
    Target("mlp training step", ("mlp",), _speed(1.25), _speed(1.5)),
    Target("gpt training step", ("gpt",), _speed(1.2), _speed(1.5)),
    Target("elementwise 16 M", ("elementwise",), _speed(1.4), _share(0.9)),
    Target(
        "softmax, layer norm, cross-entropy, rows 1024 to 8192",
        tuple(rows.name for rows in ROWS),
        _speed(1.3),
        _speed(2.0),
    ),
    Target("AdamW 10 M parameters, against fused=True", ("adamw",), _speed(1.0), _share(0.95), ("pytorch",)),
    Target("call of a compiled function, one small tensor", ("compiled_call",), _seconds(5e-6), _seconds(3e-6)),
    Target("compile mlp, cold", ("first_call_mlp",), _seconds(1.0), _seconds(0.5)),
    Target("compile gpt, cold", ("first_call_gpt",), _seconds(4.0), _seconds(2.0)),
    Target("compile gpt, from the disk cache", ("first_call_gpt_cached",), _seconds(0.4), _seconds(0.2)),
    Target("find plug-ins, 100 distributions more", ("discovery_find",), _seconds(10e-3), _seconds(5e-3)),
    Target("what 100 distributions add to import dovetail", ("discovery_import",), _added(1e-3), _added(0.3e-3)),
    Target(
        "memory of the gpt step, against PyTorch's",
        ("gpt",),
        Goal(Measure.MEMORY, 1.0),
        Goal(Measure.MEMORY, 0.7),
        ("pytorch",),
    ),
    Target(
        "save a checkpoint, share of writing and fsyncing its bytes",
        ("checkpoint_save",),
        _share(0.9),
        _share(0.95),
    ),
    Target(
        "verified load of a checkpoint, against unverified",
        ("checkpoint_load", "checkpoint_load_cold"),
        _speed(0.8),
        _speed(0.9),
        (UNVERIFIED,),
    ),
    Target(
        "verified load of a checkpoint, against safetensors",
        ("checkpoint_load", "checkpoint_load_cold"),
        _speed(0.8),
        _speed(1.0),
        ("safetensors",),
    ),
    Target(
        "what save_async keeps its caller waiting, share of a copy of the arrays",
        ("checkpoint_async",),
        _share(1 / 1.1),
        _share(1.0),
    ),
    Target(
        "memory of saving and loading beyond the tensors",
        ("checkpoint_save", "checkpoint_load", "checkpoint_load_cold"),
        _extra(2 * _CHUNK_BYTES * THREADS),
        _extra(_CHUNK_BYTES * THREADS),
    ),
    Target("open 100,000 tensors, read one", ("checkpoint_open_many",), _seconds(0.3), _seconds(0.1)),
)
