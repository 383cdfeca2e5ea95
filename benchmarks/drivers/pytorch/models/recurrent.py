"""The LSTM, with PyTorch's own kernel: what `torch.nn.LSTM` calls."""

import torch
from torch import Tensor
from torch.nn import functional


def loss(parameters: dict[str, Tensor], sequences: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy of the classes told from the last output."""
    kernel, recurrent_kernel = parameters["lstm/kernel"], parameters["lstm/recurrent_kernel"]
    bias = parameters["lstm/bias"]
    # PyTorch has two biases where Keras has one; the second stays at zero.
    weights = [kernel, recurrent_kernel, bias, torch.zeros_like(bias)]
    state = sequences.new_zeros(1, len(sequences), recurrent_kernel.shape[1])
    _, last, _ = torch.lstm(sequences, [state, state], weights, True, 1, 0.0, True, False, True)
    logits = functional.linear(last[0], parameters["dense/kernel"], parameters["dense/bias"])
    return functional.cross_entropy(logits, labels)
