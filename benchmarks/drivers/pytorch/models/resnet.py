"""ResNet-18, CIFAR form. Images are (batch, channels, height, width)."""

from torch import Tensor
from torch.nn import functional

from benchmarks.workloads import resnet

Parameters = dict[str, Tensor]


def loss(parameters: Parameters, images: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy with batch statistics; updates the moving statistics in place."""
    return functional.cross_entropy(_logits(parameters, images, training=True), labels)


def inference(parameters: Parameters, images: Tensor) -> Tensor:
    """The logits with moving statistics."""
    return _logits(parameters, images, training=False)


def _logits(parameters: Parameters, images: Tensor, *, training: bool) -> Tensor:
    x = functional.relu(_convolution(parameters, "stem", images, 1, training))
    for index, (_, _, stride) in enumerate(resnet.block_plan()):
        x = _block(parameters, f"blocks/{index}", x, stride, training)
    return functional.linear(x.mean((2, 3)), parameters["dense/kernel"], parameters["dense/bias"])


def _block(parameters: Parameters, name: str, x: Tensor, stride: int, training: bool) -> Tensor:
    y = functional.relu(_convolution(parameters, f"{name}/convolution_1", x, stride, training))
    y = _convolution(parameters, f"{name}/convolution_2", y, 1, training)
    if f"{name}/projection/kernel" in parameters:
        x = _convolution(parameters, f"{name}/projection", x, stride, training)
    return functional.relu(x + y)


def _convolution(parameters: Parameters, name: str, x: Tensor, stride: int, training: bool) -> Tensor:
    """A convolution and its normalization."""
    kernel = parameters[f"{name}/kernel"]
    x = functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
    return functional.batch_norm(
        x,
        parameters[f"{name}_normalization/moving_mean"],
        parameters[f"{name}_normalization/moving_variance"],
        parameters[f"{name}_normalization/gamma"],
        parameters[f"{name}_normalization/beta"],
        training=training,
        momentum=1 - resnet.STATISTICS_MOMENTUM,
        eps=resnet.EPSILON,
    )
