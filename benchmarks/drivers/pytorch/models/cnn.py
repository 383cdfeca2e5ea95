"""The small convolutional network. Images are (batch, channels, height, width)."""

from torch import Tensor
from torch.nn import functional


def loss(parameters: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy."""
    x = _convolution(parameters, "convolution_1", images)
    x = functional.max_pool2d(_convolution(parameters, "convolution_2", x), 2)
    x = functional.max_pool2d(_convolution(parameters, "convolution_3", x), 2)
    x = x.permute(0, 2, 3, 1).flatten(1)  # the dense kernel's rows are in Keras's order
    x = functional.relu(functional.linear(x, parameters["dense_1/kernel"], parameters["dense_1/bias"]))
    x = functional.linear(x, parameters["dense_2/kernel"], parameters["dense_2/bias"])
    return functional.cross_entropy(x, labels)


def _convolution(parameters: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return functional.relu(functional.conv2d(x, parameters[f"{name}/kernel"], parameters[f"{name}/bias"], padding=1))
