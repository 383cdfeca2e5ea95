"""Arrays from Keras's layouts to PyTorch's, and gradients back."""

import numpy as np
import torch

from benchmarks.workloads.workload import Array


def tensor(array: Array, image_format: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    """A tensor with its own memory.

    Images become (batch, channels, height, width) in the given format. Class numbers and tokens become int64, which
    PyTorch's losses ask for.
    """
    copy = torch.from_numpy(np.array(array))
    if copy.ndim == 4:
        return copy.permute(0, 3, 1, 2).contiguous(memory_format=image_format)
    return copy if copy.is_floating_point() else copy.long()


def load(name: str, array: Array, image_format: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    """A parameter in PyTorch's layout: (out, in) for dense kernels, (out, in, h, w) for convolutions."""
    value = torch.from_numpy(np.array(array))
    if _is_kernel(name) and value.ndim == 2:
        return value.T.contiguous()
    if _is_kernel(name) and value.ndim == 4:
        return value.permute(3, 2, 0, 1).contiguous(memory_format=image_format)
    return value


def unload(name: str, value: torch.Tensor) -> Array:
    """The parameter, or its gradient, in Keras's layout."""
    value = value.detach()
    if _is_kernel(name) and value.ndim == 2:
        value = value.T
    elif _is_kernel(name) and value.ndim == 4:
        value = value.permute(2, 3, 1, 0)
    return np.array(value.numpy())


def _is_kernel(name: str) -> bool:
    return name.endswith("kernel")
