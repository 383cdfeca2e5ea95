"""The small convolutional network."""

from typing import Any

import dovetail as dt
from benchmarks.drivers.dovetail.models.model import Model
from benchmarks.workloads import cnn


class ConvolutionalNetwork(Model):
    """Three convolutions, two pools, two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution_1 = dt.layers.Conv2D(32, 3, padding="same", activation="relu")
        self.convolution_2 = dt.layers.Conv2D(32, 3, padding="same", activation="relu")
        self.convolution_3 = dt.layers.Conv2D(64, 3, padding="same", activation="relu")
        self.pool = dt.layers.MaxPooling2D(2)
        self.dense_1 = dt.layers.Dense(128, activation="relu")
        self.dense_2 = dt.layers.Dense(cnn.CLASSES)

    def __call__(self, inputs: Any) -> Any:
        x = self.pool(self.convolution_2(self.convolution_1(inputs)))
        x = self.pool(self.convolution_3(x))
        return self.dense_2(self.dense_1(dt.reshape(x, (x.shape[0], -1))))
