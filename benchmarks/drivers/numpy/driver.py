"""NumPy, for what a user would write in it."""

from typing import Any

import numpy as np

from benchmarks.drivers.session import EagerSession, Mode, NotApplicable, Session
from benchmarks.workloads import optimizer_update
from benchmarks.workloads.workload import Array, Arrays, EagerCall, Expression, Update, Workload


def prepare(workload: Workload, mode: Mode) -> Session:
    """A session for `workload`.

    Raises:
        NotApplicable: NumPy has no gradients, layers or compiler.
    """
    match workload:
        case Expression():
            return ExpressionSession(workload, mode)
        case Update():
            return UpdateSession(workload, mode)
        case EagerCall(recorded=False):
            return AddSession(workload)
        case _:
            raise NotApplicable("NumPy has no gradients")


class ExpressionSession(Session):
    """The workload's own NumPy form."""

    def __init__(self, workload: Expression, mode: Mode) -> None:
        batches = (workload.batch(index) for index in range(workload.batch_count))
        super().__init__(tuple(mode.cast(array) for array in batch) for batch in batches)
        self._workload = workload

    def step(self, batch: Any) -> Any:
        return self._workload.reference(*batch)

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result[0], np.float64)

    def evidence(self) -> Arrays:
        return dict(zip(self._workload.results, self.step(self.batches[0]), strict=True))


class UpdateSession(Session):
    """AdamW with NumPy's in-place operators."""

    def __init__(self, workload: Update, mode: Mode) -> None:
        super().__init__(workload.batch(index) for index in range(workload.batch_count))
        self._workload = workload
        self._parameters = mode.cast_all(workload.parameters())
        self._state = [(array, np.zeros_like(array), np.zeros_like(array)) for array in self._parameters.values()]
        self._step = 0

    def step(self, batch: Any) -> None:
        self._step += 1
        for (values, first, second), gradient in zip(self._state, batch, strict=True):
            optimizer_update.adamw_in_place(values, first, second, gradient, self._step, self._workload.optimizer)

    def to_numpy(self, result: None) -> Array:
        return np.asarray(self._parameters["matrices/0"][0, 0], np.float64)

    def evidence(self) -> Arrays:
        self.run(self._workload.compared_steps)
        return self._parameters


class AddSession(EagerSession):
    """`a + b`."""

    def __init__(self, workload: EagerCall) -> None:
        super().__init__([workload.operands])

    def run(self, count: int) -> None:
        first, second = self.batches[0]
        for _ in range(count):
            _ = first + second

    def to_numpy(self, result: Any) -> Array:
        return np.asarray(result, np.float64)
