"""PyTorch's weights: outputs before inputs, channels first, gates in another order.

Source: the parameters' documentation of torch.nn's modules, PyTorch 2.13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dovetail_protocols.errors import CheckpointMismatchError

from .part import Array, Part, moved, same

Shapes = Mapping[str, tuple[int, ...]]


def parts(layout: str, shapes: Shapes) -> tuple[Part, ...]:
    """The parts of a layer that has these variables.

    Raises: CheckpointMismatchError where PyTorch has no such layer.
    """
    return tuple(part for part in LAYOUTS[layout](shapes) if all(name in shapes for name in part.own))


def is_remainder(name: str) -> bool:
    """Whether an array is what PyTorch keeps beside weights: how many batches a normalization has seen."""
    return name.rpartition("/")[2] == "num_batches_tracked"


# ---------------------------------------------------------------------- products and convolutions


def _dense(_: Shapes) -> Sequence[Part]:
    return moved("kernel", "weight", np.transpose, np.transpose), same("bias", "bias")


def _convolution(_: Shapes) -> Sequence[Part]:
    """(*window, in, out) here, (out, in, *window) there."""

    def into(weight: Array) -> Array:
        return weight.transpose(*range(2, weight.ndim), 1, 0)

    def out(kernel: Array) -> Array:
        return kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))

    return moved("kernel", "weight", into, out), same("bias", "bias")


def _depthwise(shapes: Shapes) -> Sequence[Part]:
    """(*window, channels, multiplier) here, (channels · multiplier, 1, *window) there."""
    *_, channels, multiplier = shapes["kernel"]

    def into(weight: Array) -> Array:
        split = weight.reshape(channels, multiplier, *weight.shape[2:])
        return split.transpose(*range(2, split.ndim), 0, 1)

    def out(kernel: Array) -> Array:
        first = kernel.transpose(kernel.ndim - 2, kernel.ndim - 1, *range(kernel.ndim - 2))
        return first.reshape(channels * multiplier, 1, *first.shape[2:])

    return moved("kernel", "weight", into, out), same("bias", "bias")


# ---------------------------------------------------------------------- normalizations, tables


def _normalization(_: Shapes) -> Sequence[Part]:
    return same("gamma", "weight"), same("beta", "bias")


def _batch_normalization(_: Shapes) -> Sequence[Part]:
    averages = same("moving_mean", "running_mean"), same("moving_variance", "running_var")
    return same("gamma", "weight"), same("beta", "bias"), *averages


def _scale(_: Shapes) -> Sequence[Part]:
    return (same("scale", "weight"),)


def _embedding(_: Shapes) -> Sequence[Part]:
    return (same("embeddings", "weight"),)


# ---------------------------------------------------------------------- recurrence


def _lstm(_: Shapes) -> Sequence[Part]:
    """Gates are in the same order. PyTorch adds two biases, and Dovetail (as Keras) has their sum."""

    def zero(arrays: Sequence[Array]) -> Sequence[Array]:
        return arrays[0], np.zeros_like(arrays[0])

    return (
        moved("kernel", "weight_ih_l0", np.transpose, np.transpose),
        moved("recurrent_kernel", "weight_hh_l0", np.transpose, np.transpose),
        Part(("bias",), ("bias_ih_l0", "bias_hh_l0"), lambda arrays: [arrays[0] + arrays[1]], zero, is_exact=False),
    )


def _gru(_: Shapes) -> Sequence[Part]:
    """Gates are reset, update, candidate there, and update, reset, candidate here. Both keep two biases."""

    def swapped(weight: Array) -> Array:
        first, second, candidate = np.split(weight, 3)
        return np.concatenate((second, first, candidate))

    def into(weight: Array) -> Array:
        return swapped(weight).T

    def out(kernel: Array) -> Array:
        return swapped(kernel.T)

    return (
        moved("kernel", "weight_ih_l0", into, out),
        moved("recurrent_kernel", "weight_hh_l0", into, out),
        Part(
            ("bias",),
            ("bias_ih_l0", "bias_hh_l0"),
            lambda arrays: [np.stack([swapped(bias) for bias in arrays])],
            lambda arrays: [swapped(bias) for bias in arrays[0]],
        ),
    )


# ---------------------------------------------------------------------- attention


def _attention(shapes: Shapes) -> Sequence[Part]:
    """Here a kernel for each of query, key and value: (features, heads, size). There all in one, (3 · features,
    features), or one each where their features differ, (heads · size, features)."""
    names = ("query", "key", "value")
    kernels = tuple(f"{name}_kernel" for name in names)
    features, heads, size = shapes["query_kernel"]
    output = shapes["output_kernel"]
    if heads * size != features or output != (heads, size, features) or shapes["value_kernel"][1:] != (heads, size):
        raise CheckpointMismatchError(
            "PyTorch has no attention of this shape",
            where=f"query kernel {shapes['query_kernel']}, output kernel {output}",
            expected="heads · size = features of the query and of the output",
        )

    def kernel(weight: Array) -> Array:
        return weight.T.reshape(weight.shape[1], heads, size)

    def weight(kernel: Array) -> Array:
        return kernel.reshape(kernel.shape[0], heads * size).T

    if all(shapes[name][0] == features for name in kernels):
        projections: Sequence[Part] = (
            Part(
                kernels,
                ("in_proj_weight",),
                lambda arrays: [kernel(part) for part in np.split(arrays[0], 3)],
                lambda arrays: [np.concatenate([weight(array) for array in arrays])],
            ),
        )
    else:
        projections = [moved(f"{name}_kernel", f"{name[0]}_proj_weight", kernel, weight) for name in names]
    biases = Part(
        tuple(f"{name}_bias" for name in names),
        ("in_proj_bias",),
        lambda arrays: [part.reshape(heads, size) for part in np.split(arrays[0], 3)],
        lambda arrays: [np.concatenate([array.reshape(-1) for array in arrays])],
    )
    outputs = moved(
        "output_kernel",
        "out_proj/weight",
        lambda weight: weight.T.reshape(heads, size, features),
        lambda kernel: kernel.reshape(heads * size, features).T,
    )
    return *projections, biases, outputs, same("output_bias", "out_proj/bias")


LAYOUTS: Mapping[str, Callable[[Shapes], Sequence[Part]]] = {
    "dense": _dense,
    "convolution": _convolution,
    "depthwise_convolution": _depthwise,
    "transposed_convolution": _convolution,
    "batch_normalization": _batch_normalization,
    "layer_normalization": _normalization,
    "group_normalization": _normalization,
    "rms_normalization": _scale,
    "embedding": _embedding,
    "lstm": _lstm,
    "gru": _gru,
    "multi_head_attention": _attention,
}
