"""Operations of neural networks: convolution, pooling, normalization, attention, losses."""

from __future__ import annotations

from typing import Any

from ..cases import Case, array, case, given, positive

IMAGE: dict[str, Any] = {"window": 2, "strides": 2, "padding": "same"}

CASES: dict[str, list[Case]] = {
    "conv": [
        case(array(2, 5, 3), array(2, 3, 4), strides=2, padding="same"),
        case(array(1, 4, 4, 2), array(2, 2, 1, 4), name="groups", groups=2),
        case(array(1, 6, 5, 2), array(2, 3, 2, 3), name="dilation", dilation=2, padding=((1, 0), (2, 2))),
        case(array(0, 5, 3), array(2, 3, 4), name="empty batch", smooth=False),
    ],
    "conv_input_gradient": [
        case(array(2, 4, 4), array(2, 3, 4), spatial_shape=(5,)),
        case(array(1, 2, 2, 4), array(2, 2, 2, 4), name="strides", spatial_shape=(4, 4), strides=2),
    ],
    "conv_filter_gradient": [
        case(array(2, 5, 3), array(2, 4, 4), window=(2,)),
        case(array(1, 4, 4, 2), array(1, 2, 2, 4), name="strides", window=(2, 2), strides=2),
    ],
    "max_pool": [
        case(array(1, 5, 4, 2), **IMAGE),
        case(array(2, 7, 3), name="overlapping", window=3, strides=1),
        case(given([[[1.0], [float("nan")], [2.0], [3.0]]]), name="NaN", window=2, smooth=False),
    ],
    "max_pool_gradient": [case(array(1, 3, 2, 2), array(1, 5, 4, 2), **IMAGE)],
    "max_pool_select": [case(array(1, 5, 4, 2), array(1, 5, 4, 2), **IMAGE)],
    "average_pool": [
        case(array(1, 5, 4, 2), **IMAGE),
        case(array(1, 5, 4, 2), name="padding counted", count_padding=True, **IMAGE),
        case(array(2, 7, 3), name="overlapping", window=3, strides=1),
    ],
    "average_pool_gradient": [case(array(1, 3, 2, 2), spatial_shape=(5, 4), **IMAGE)],
    "batch_normalization": [
        case(array(4, 3), positive(3), positive(3), positive(3), positive(3)),
        case(array(4, 3), positive(3), positive(3), name="plain statistics"),
        case(array(2, 3, 4), positive(3), positive(3), name="axis 1", axis=1),
    ],
    "batch_normalization_training": [
        case(array(4, 3), positive(3), positive(3)),
        case(array(4, 3), name="no parameters"),
        case(array(2, 5, 3), None, positive(3), name="offset only"),
    ],
    "batch_normalization_gradient": [case(array(4, 3), positive(3), positive(3), array(4, 3), positive(3))],
    "layer_normalization": [
        case(array(4, 3), positive(3), positive(3)),
        case(array(4, 3), name="no parameters"),
        case(array(2, 3, 4), positive(3, 4), positive(3, 4), name="two axes", axis=(1, 2)),
        case(array(2, 67), name="long", smooth=False),
    ],
    "layer_normalization_gradient": [
        case(array(4, 3), array(4, 3), positive(3)),
        case(array(4, 3), array(4, 3), name="no parameters"),
    ],
    "rms_normalization": [case(array(4, 3), positive(3)), case(array(4, 3), name="no parameters")],
    "scaled_dot_product_attention": [
        case(array(2, 3, 4), array(2, 5, 4), array(2, 5, 2)),
        case(array(3, 4), array(3, 4), array(3, 2), name="causal", is_causal=True),
        case(array(2, 4), array(3, 4), array(3, 2), given([[True, False, True], [False, True, True]]), name="mask"),
        case(array(1, 2, 4), array(1, 3, 4), array(1, 3, 2), name="scale", scale=0.3),
    ],
    "scaled_dot_product_attention_gradient": [
        case(array(2, 3, 2), array(2, 3, 4), array(2, 5, 4), array(2, 5, 2)),
        case(array(3, 2), array(3, 4), array(3, 4), array(3, 2), name="causal", is_causal=True),
    ],
    "softmax_cross_entropy": [
        case(positive(2, 3), array(2, 3)),
        case(positive(3, 2), array(3, 2), name="axis 0", axis=0),
        case(given([[0, 1, 0]]), given([[50.0, -50.0, 0.0]]), name="large logits", smooth=False),
    ],
    "softmax_cross_entropy_gradient": [case(positive(2), positive(2, 3), array(2, 3))],
    "sparse_softmax_cross_entropy": [
        case(given([2, 0]), array(2, 3)),
        case(given(1), array(3), name="one example"),
    ],
    "sparse_softmax_cross_entropy_gradient": [case(positive(2), given([2, 0]), array(2, 3))],
}
