"""ResNet-18, CIFAR form."""

from typing import Any

import dovetail as dt
from benchmarks.drivers.dovetail.models.model import Model
from benchmarks.workloads import resnet


def _convolution(filters: int, size: int, stride: int) -> Any:
    side = size // 2
    return dt.layers.Conv2D(filters, size, strides=stride, padding=((side, side), (side, side)), use_bias=False)


def _normalization() -> Any:
    return dt.layers.BatchNormalization(momentum=resnet.STATISTICS_MOMENTUM, epsilon=resnet.EPSILON)


class Block(dt.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        self.convolution_1 = _convolution(filters, 3, stride)
        self.convolution_1_normalization = _normalization()
        self.convolution_2 = _convolution(filters, 3, 1)
        self.convolution_2_normalization = _normalization()
        self.projects = resnet.needs_projection(inputs, filters, stride)
        if self.projects:
            self.projection = _convolution(filters, 1, stride)
            self.projection_normalization = _normalization()

    def __call__(self, x: Any, *, training: bool) -> Any:
        y = dt.operations.relu(self.convolution_1_normalization(self.convolution_1(x), training=training))
        y = self.convolution_2_normalization(self.convolution_2(y), training=training)
        if self.projects:
            x = self.projection_normalization(self.projection(x), training=training)
        return dt.operations.relu(x + y)


class ResNet(Model):
    """Called for inference; the loss is that of training."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(resnet.STEM_FILTERS, 3, 1)
        self.stem_normalization = _normalization()
        self.blocks = [Block(*plan) for plan in resnet.block_plan()]
        self.dense = dt.layers.Dense(resnet.CLASSES)

    def __call__(self, inputs: Any) -> Any:
        return self.logits(inputs, training=False)

    def loss(self, inputs: Any, labels: Any) -> Any:
        logits = self.logits(inputs, training=True)
        return dt.mean(dt.operations.sparse_softmax_cross_entropy(labels, logits))

    def logits(self, images: Any, *, training: bool) -> Any:
        """The logits, normalized by the batch's statistics in training, else by the moving ones."""
        x = dt.operations.relu(self.stem_normalization(self.stem(images), training=training))
        for block in self.blocks:
            x = block(x, training=training)
        return self.dense(dt.mean(x, axis=(1, 2)))
