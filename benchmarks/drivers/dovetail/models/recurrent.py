"""The LSTM."""

from typing import Any

import dovetail as dt
from benchmarks.drivers.dovetail.models.model import Model
from benchmarks.workloads import recurrent


class Classifier(Model):
    """An LSTM whose last output goes to a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = dt.layers.LSTM(recurrent.UNITS)
        self.dense = dt.layers.Dense(recurrent.CLASSES)

    def __call__(self, inputs: Any) -> Any:
        return self.dense(self.lstm(inputs))
