"""Layers, as Keras names them; images and sequences have their channels last."""

from .activation import Activation
from .attention import MultiHeadAttention
from .batch_normalization import BatchNormalization
from .convolution import Conv1D, Conv2D, DepthwiseConv2D
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .layer import Layer, training_phase
from .normalization import LayerNormalization, RMSNormalization
from .pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from .recurrent import GRU, LSTM
from .reshaping import Flatten, Reshape
from .sequential import Sequential

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv1D",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Layer",
    "LayerNormalization",
    "MaxPooling1D",
    "MaxPooling2D",
    "MultiHeadAttention",
    "RMSNormalization",
    "Reshape",
    "Sequential",
    "training_phase",
]
