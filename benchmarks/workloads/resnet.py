"""ResNet-18 in its CIFAR form: a 3×3 stem without pooling, and four stages of two blocks.

Source: He et al., Deep Residual Learning for Image Recognition, 2015, section 4.2 and table 1. Every 3×3 convolution
pads by one on each side, as PyTorch's do; with stride 2 that differs from Keras's "same".
"""

import math

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Batch, Inference, OptimizerSettings, Traffic, Training, Work

SIZE = 32
CLASSES = 10
TRAINING_BATCH = 32
STEM_FILTERS = 64
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # filters, stride of the first block
BLOCKS_PER_STAGE = 2
EPSILON = 1e-5
STATISTICS_MOMENTUM = 0.9  # share of the old moving statistics that a step keeps
OPTIMIZER = OptimizerSettings("momentum", learning_rate=0.01)


def block_plan() -> list[tuple[int, int, int]]:
    """Input filters, output filters and stride of each of the eight blocks, in order."""
    plan, inputs = [], STEM_FILTERS
    for filters, stage_stride in STAGES:
        for index in range(BLOCKS_PER_STAGE):
            plan.append((inputs, filters, stage_stride if index == 0 else 1))
            inputs = filters
    return plan


def needs_projection(inputs: int, outputs: int, stride: int) -> bool:
    """Whether a block's shortcut is a 1×1 convolution rather than the identity."""
    return inputs != outputs or stride != 1


def _convolutions() -> dict[str, tuple[tuple[int, int, int, int], int]]:
    """Kernel shape and output size (one side, pixels) by name; its normalization's name ends in "normalization"."""
    convolutions = {"stem": ((3, 3, 3, STEM_FILTERS), SIZE)}
    size = SIZE
    for index, (inputs, outputs, stride) in enumerate(block_plan()):
        size //= stride
        convolutions[f"blocks/{index}/convolution_1"] = ((3, 3, inputs, outputs), size)
        convolutions[f"blocks/{index}/convolution_2"] = ((3, 3, outputs, outputs), size)
        if needs_projection(inputs, outputs, stride):
            convolutions[f"blocks/{index}/projection"] = ((1, 1, inputs, outputs), size)
    return convolutions


def _parameters() -> dict[str, Array]:
    random = initial.generator("resnet weights")
    parameters = {}
    for name, (shape, _) in _convolutions().items():
        filters = shape[-1]
        parameters[f"{name}/kernel"] = initial.kernel(random, *shape)
        parameters[f"{name}_normalization/gamma"] = initial.scale(random, filters)
        parameters[f"{name}_normalization/beta"] = initial.bias(random, filters)
        parameters[f"{name}_normalization/moving_mean"] = initial.bias(random, filters)
        parameters[f"{name}_normalization/moving_variance"] = initial.scale(random, filters)
    parameters["dense/kernel"] = initial.kernel(random, STAGES[-1][0], CLASSES)
    parameters["dense/bias"] = initial.bias(random, CLASSES)
    return parameters


def _images(size: int, index: int) -> Array:
    return initial.normal(initial.generator("resnet images", index), size, SIZE, SIZE, 3)


def _training_batch(index: int) -> Batch:
    labels = initial.labels(initial.generator("resnet labels", index), CLASSES, TRAINING_BATCH)
    return _images(TRAINING_BATCH, index), labels


def _forward_operations() -> int:
    """For one image."""
    products = sum(math.prod(shape) * size**2 for shape, size in _convolutions().values())
    return 2 * (products + STAGES[-1][0] * CLASSES)


def _weights() -> int:
    return sum(math.prod(shape) for shape, _ in _convolutions().values())


RESNET_TRAINING = Training(
    name="resnet18",
    title=f"resnet18 (CIFAR form), batch {TRAINING_BATCH}, 32×32, momentum, training step",
    parameters=_parameters,
    batch=_training_batch,
    optimizer=OPTIMIZER,
    work=Work(3 * TRAINING_BATCH * _forward_operations(), OPTIMIZER.update_traffic(_weights())),
    curve_steps=4,
    kinks=True,
    batch_count=4,
)
RESNET_INFERENCE = Inference(
    name="resnet18_inference",
    title="resnet18 (CIFAR form), batch 1, inference",
    parameters=_parameters,
    batch=lambda index: (_images(1, index),),
    work=Work(_forward_operations(), Traffic(_weights(), read=1)),
)
