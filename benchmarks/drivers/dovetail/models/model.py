"""What every model has in common."""

from abc import ABC, abstractmethod
from typing import Any

import dovetail as dt
from benchmarks.workloads.workload import Arrays


class Model(dt.Module, ABC):
    """Layers, and a loss. Call it once on a batch to build them, then `load` the initial weights."""

    @abstractmethod
    def __call__(self, inputs: Any) -> Any:
        """The logits."""

    def loss(self, inputs: Any, labels: Any) -> Any:
        """The mean cross-entropy of integer labels."""
        return dt.mean(dt.operations.sparse_softmax_cross_entropy(labels, self(inputs)))

    def load(self, parameters: Arrays) -> None:
        """Set every variable to the workload's initial value."""
        for name, array in parameters.items():
            self.variable(name).assign(array)

    def variable(self, name: str) -> Any:
        """The variable at a path such as "layers/0/kernel"."""
        found: Any = self
        for part in name.split("/"):
            found = found[int(part)] if part.isdecimal() else getattr(found, part)
        return found
