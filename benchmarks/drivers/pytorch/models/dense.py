"""Perceptrons."""

from torch import Tensor
from torch.nn import functional


def loss(parameters: dict[str, Tensor], x: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy."""
    count = len(parameters) // 2
    for index in range(count):
        x = functional.linear(x, parameters[f"layers/{index}/kernel"], parameters[f"layers/{index}/bias"])
        if index < count - 1:
            x = functional.relu(x)
    return functional.cross_entropy(x, labels)
