"""Checkpoints: saved, loaded, opened; what is timed is one of these, once at a time."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Arrays, Workload

_BLOCKS = 24  # of the model whose weights these could be
_WIDTH = 768
_SMALL = 1000  # elements of a bias or a norm's scale
_FEW = 16  # elements of each of very many tensors


class Action(Enum):
    """What is timed, and how."""

    SAVE = "save, on the device when it returns"
    SAVE_UNSYNCED = "save, in the system's memory when it returns"
    LOAD = "load, from the page cache"
    LOAD_COLD = "load, from the device"
    LOAD_USED = "load, from the page cache, and read each byte once; peers map the file where they can"
    OPEN = "open, and read one tensor"
    ASYNC = "what a save in the background keeps its caller waiting"
    ASYNC_STEP = "a step of training while a save goes on in the background"

    @property
    def reads(self) -> bool:
        """Whether a checkpoint has to be there first."""
        return self in (Action.LOAD, Action.LOAD_COLD, Action.LOAD_USED, Action.OPEN)


@dataclass(frozen=True, slots=True)
class Checkpoint(Workload):
    """One action on a checkpoint: of few large tensors that take the plan's bytes, or with `many` of many tiny ones."""

    action: Action
    many: bool = False

    def arrays(self, size_bytes: int, count: int) -> dict[str, Array]:
        """The tensors: about `size_bytes` of them, or `count` tiny ones."""
        return tiny(count) if self.many else mixed(size_bytes)


def mixed(size_bytes: int) -> dict[str, Array]:
    """About as many bytes in tensors of several dtypes and of sizes as in a transformer: large, and small between.

    The numbers are random, so that nothing is gained by compressing them: weights hardly compress either.
    """
    random = initial.generator("checkpoint")
    arrays = {"embedding.table": _matrix(random, np.float32, size_bytes / 8)}
    block = (size_bytes - arrays["embedding.table"].nbytes) / _BLOCKS
    for index in range(_BLOCKS):
        name = f"blocks.{index}"
        arrays[f"{name}.norm.scale"] = initial.scale(random, _SMALL)
        arrays[f"{name}.attention.kernel"] = _matrix(random, np.float32, 0.4 * block)
        arrays[f"{name}.attention.bias"] = initial.bias(random, _SMALL)
        arrays[f"{name}.forward.kernel"] = _matrix(random, np.float16, 0.4 * block)
        arrays[f"{name}.forward.bias"] = initial.bias(random, _SMALL).astype(np.float16)
        arrays[f"{name}.quantized.kernel"] = _matrix(random, np.uint8, 0.2 * block)
        arrays[f"{name}.tokens_seen"] = random.integers(1 << 40, size=(), dtype=np.int64)[...]
    return arrays


def tiny(count: int) -> dict[str, Array]:
    """That many tensors of a few numbers each."""
    numbers = initial.normal(initial.generator("tiny tensors"), count, _FEW)
    return {f"blocks.{index:06}.scale": numbers[index] for index in range(count)}


def size_of(arrays: Arrays) -> int:
    """Their bytes."""
    return sum(array.nbytes for array in arrays.values())


def differing(found: Arrays, arrays: Arrays) -> str | None:
    """The first tensor that is not the same to the bit; None if all are."""
    for name, array in arrays.items():
        other = found.get(name)
        if other is None or other.dtype != array.dtype or other.shape != array.shape:
            return name
        if other.tobytes() != array.tobytes():
            return name
    return None


def _matrix(random: np.random.Generator, dtype: type, size_bytes: float) -> Array:
    rows = max(1, math.floor(size_bytes / _WIDTH / np.dtype(dtype).itemsize))
    if dtype is np.uint8:
        return random.integers(256, size=(rows, _WIDTH), dtype=np.uint8)
    return random.standard_normal((rows, _WIDTH), dtype=np.float32).astype(dtype, copy=False)


CHECKPOINTS = (
    *(
        Checkpoint(f"checkpoint_{action.name.lower()}", action.value, action)
        for action in Action
        if action is not Action.OPEN
    ),
    *(
        Checkpoint(f"checkpoint_{action.name.lower()}_many", f"very many tensors: {action.value}", action, many=True)
        for action in (Action.SAVE, Action.LOAD, Action.OPEN)
    ),
)
