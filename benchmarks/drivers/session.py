"""What the harness asks of a workload that a framework has taken on."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.workloads.workload import Array, Arrays

Precision = Literal["float32", "float64"]


@dataclass(frozen=True, slots=True)
class Mode:
    """How to run: compiled or operation by operation; float64 only for references, never timed."""

    compiled: bool = True
    precision: Precision = "float32"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of floating-point arrays."""
        return np.dtype(self.precision)

    def cast(self, array: Array) -> Array:
        """The array in this precision; integers stay."""
        return array.astype(self.dtype) if np.issubdtype(array.dtype, np.floating) else array

    def cast_all(self, arrays: Arrays) -> dict[str, Array]:
        """The arrays by name in this precision."""
        return {name: self.cast(array) for name, array in arrays.items()}


class NotApplicable(Exception):
    """This framework has nothing to compare for this workload; the message says why."""


class Session(ABC):
    """One workload in one framework, with weights loaded and every batch in the framework's own arrays."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self.batches: Sequence[Any] = tuple(batches)
        self._turn: Iterator[Any] = itertools.cycle(self.batches)

    @abstractmethod
    def step(self, batch: Any) -> Any:
        """Run one step; the result may not be ready yet."""

    @abstractmethod
    def to_numpy(self, result: Any) -> Array:
        """The result of a step, awaited, as a float64 array: the loss in training."""

    @abstractmethod
    def evidence(self) -> Arrays:
        """What is compared with the reference, from the state that a fresh session is in: outputs, or gradients."""

    def wait(self, result: Any) -> None:  # noqa: B027 - most frameworks have nothing to wait for
        """Return when the step that gave `result` is done, its updates included."""

    def run(self, count: int) -> None:
        """Run `count` steps on the next batches in turn and wait for the last."""
        step, result = self.step, None
        for batch in itertools.islice(self._turn, count):
            result = step(batch)
        self.wait(result)

    def curve(self, count: int) -> list[float]:
        """The results of the next `count` steps, each read back."""
        return [float(self.to_numpy(self.step(batch))) for batch in itertools.islice(self._turn, count)]


class CallSession(Session):
    """Small calls: the loop is the session's own, so that nothing but the call is timed."""

    @abstractmethod
    def run(self, count: int) -> None:
        """Make `count` calls and wait for the last."""

    def evidence(self) -> dict[str, Array]:
        """The result."""
        return {"y": self.to_numpy(self.step(self.batches[0]))}


class EagerSession(CallSession):
    """Calls of one small operation."""

    def step(self, batch: Any) -> Any:
        """One sum of the two operands."""
        first, second = batch
        return first + second


class CompiledCallSession(CallSession):
    """Calls of a compiled function of one small tensor."""

    def __init__(self, function: Callable[[Any], Any], operand: Any) -> None:
        super().__init__([operand])
        self._function = function

    def step(self, batch: Any) -> Any:
        """One call."""
        return self._function(batch)

    def run(self, count: int) -> None:
        function, operand = self._function, self.batches[0]
        result = None
        for _ in range(count):
            result = function(operand)
        self.wait(result)
