"""The public surface is what was reviewed."""

import dovetail_modules
from dovetail_modules import layers

REVIEWED = ["Module", "Summary", "activations", "initializers", "layers", "losses", "metrics", "summary"]
REVIEWED_LAYERS = [
    *("GRU", "LSTM", "Activation", "AveragePooling1D", "AveragePooling2D", "BatchNormalization", "Conv1D", "Conv2D"),
    *("Dense", "DepthwiseConv2D", "Dropout", "Embedding", "Flatten", "GlobalAveragePooling1D"),
    *("GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Layer", "LayerNormalization"),
    *("MaxPooling1D", "MaxPooling2D", "MultiHeadAttention", "RMSNormalization", "Reshape", "Sequential"),
    "training_phase",
]


def test_public_surface_is_reviewed() -> None:
    assert dovetail_modules.__all__ == REVIEWED
    assert layers.__all__ == REVIEWED_LAYERS
