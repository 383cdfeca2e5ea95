"""Perceptrons."""

from typing import Any

import dovetail as dt
from benchmarks.drivers.dovetail.models.model import Model
from benchmarks.workloads import dense


class Perceptron(Model):
    """Dense layers with ReLU between them."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        *hidden, classes = widths[1:]
        self.layers = [*(dt.layers.Dense(units, activation="relu") for units in hidden), dt.layers.Dense(classes)]

    def __call__(self, inputs: Any) -> Any:
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x


class Tiny(Perceptron):
    """The smallest."""

    def __init__(self) -> None:
        super().__init__(dense.TINY_WIDTHS)


class Mlp(Perceptron):
    """The ordinary one."""

    def __init__(self) -> None:
        super().__init__(dense.MLP_WIDTHS)
