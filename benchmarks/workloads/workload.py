"""What a workload says of itself; each framework's driver turns it into something that runs."""

from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]
Batch: TypeAlias = tuple[Array, ...]

_CACHE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many float32 arrays of `elements` a step only reads, changes in place, and only writes.

    Only what no cache can save: large inputs and outputs, optimizer state.
    """

    elements: int = 0
    read: int = 0
    updated: int = 0
    written: int = 0

    @property
    def memory_bytes(self) -> int:
        """Bytes that cross the memory's bus; a store need not fetch what it replaces."""
        return 4 * self.elements * (self.read + 2 * self.updated + self.written)


@dataclass(frozen=True, slots=True)
class Work:
    """The least that one step has to do; the machine's limit for it follows (see `drivers/limit`).

    `floating_point_operations` counts those of matrix products and convolutions, a multiply-add as two.
    """

    floating_point_operations: float = 0.0
    traffic: Traffic = Traffic()


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """Which optimizer, and its constants. Weight decay is decoupled and applies to every parameter.

    Adam's epsilon is so small that its place does not matter: PyTorch adds it to the corrected root of the second
    moment, Keras and Dovetail to the uncorrected one. It still keeps 0 / 0 away.
    """

    kind: Literal["sgd", "momentum", "adam", "adamw"]
    learning_rate: float
    momentum: float = 0.9
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-16
    weight_decay: float = 0.01

    @property
    def slots(self) -> int:
        """How many numbers the optimizer keeps for each parameter."""
        return {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}[self.kind]

    def update_traffic(self, parameters: int) -> Traffic:
        """Memory traffic of the update of that many float32 parameters; none if it can all stay in a cache.

        A parameter's gradient is read; its value and slots are changed in place.
        """
        traffic = Traffic(parameters, read=1, updated=1 + self.slots)
        return traffic if traffic.memory_bytes > _CACHE_BYTES else Traffic()


@dataclass(frozen=True, slots=True)
class Workload(ABC):
    """A name for the command line and a title for the table."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Training(Workload):
    """One training step: forward, loss, gradients and the optimizer's update.

    `parameters` and `batch` give the same arrays in every process. Gradients and the first `curve_steps` losses are
    compared with a float64 run. Steps go through `batch_count` batches in turn. `kinks`: so many values meet a ReLU or
    a maximum that some lie within rounding of the kink, where one rounding switches a gradient on or off.
    """

    parameters: Callable[[], Arrays]
    batch: Callable[[int], Batch]
    optimizer: OptimizerSettings
    work: Work
    curve_steps: int
    batch_count: int = 8
    kinks: bool = False


@dataclass(frozen=True, slots=True)
class Inference(Workload):
    """One forward pass. Outputs for the first batch are compared with a float64 run."""

    parameters: Callable[[], Arrays]
    batch: Callable[[int], Batch]
    work: Work
    batch_count: int = 8


@dataclass(frozen=True, slots=True)
class Expression(Workload):
    """A function of arrays, or one with its gradients; each driver has the function under the name `formula`.

    `reference` is the same in NumPy and gives, in the dtype of its inputs, what `results` names: the value, then the
    gradient of each argument whose position `differentiated` holds. With `cotangent`, a batch ends with the value's.
    """

    formula: str
    batch: Callable[[int], Batch]
    reference: Callable[..., tuple[Array, ...]]
    work: Work
    results: tuple[str, ...] = ("y",)
    differentiated: tuple[int, ...] = ()
    cotangent: bool = False
    batch_count: int = 2


@dataclass(frozen=True, slots=True)
class Update(Workload):
    """An optimizer's update alone; a batch holds a gradient for each parameter, in their order."""

    parameters: Callable[[], Arrays]
    batch: Callable[[int], Batch]
    optimizer: OptimizerSettings
    work: Work
    compared_steps: int = 3
    batch_count: int = 2


@dataclass(frozen=True, slots=True)
class EagerCall(Workload):
    """One call of one small operation outside any compiled function; `recorded` if under a gradient tape."""

    operands: Batch = field(default=())
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class CompiledCall(Workload):
    """One call of a compiled function that adds one to a tensor so small that only the call's overhead counts."""

    operand: Array


@dataclass(frozen=True, slots=True)
class FirstCall(Workload):
    """The first step of `training` in a fresh process: tracing, compiling, running once; importing apart.

    With `cached`, an earlier process has left what it keeps on disk; without, the disk caches are empty.
    """

    training: Training
    cached: bool = False


@dataclass(frozen=True, slots=True)
class ImportTime(Workload):
    """Importing the framework in a fresh process, with what a training program needs of it.

    With `first_result` instead up to a sum of two small arrays, read back.
    """

    first_result: bool = False


@dataclass(frozen=True, slots=True)
class Discovery(Workload):
    """Python `source` that is timed in a fresh process, where 100 distributions more are installed and without them.

    `before` runs before the clock starts; `check` afterwards, where they are installed: it fails if they weren't seen.
    """

    source: str
    before: str = ""
    check: str = ""


def work_of(workload: Workload) -> Work | None:
    """What a step of `workload` has to do at least, where that is known."""
    return workload.work if isinstance(workload, Training | Inference | Expression | Update) else None


def is_trained(name: str) -> bool:
    """Whether a parameter has a gradient: all but the moving statistics of batch normalization do."""
    return not name.endswith(("moving_mean", "moving_variance"))


def parameter_count(parameters: Arrays) -> int:
    """How many trained numbers there are."""
    return sum(array.size for name, array in parameters.items() if is_trained(name))


def float32(array: Array) -> Array:
    """The array as contiguous float32."""
    return np.ascontiguousarray(array, dtype=np.float32)
