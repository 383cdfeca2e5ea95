"""Cross-entropies and their gradients, each with one exponential and few passes over the logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import IndexRangeError
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .placing import signed
from .precision import widened


def _shifted(logits: Any, axis: int) -> Any:
    """Logits less the largest of their classes."""
    return logits - np.maximum.reduce(logits, axis=axis, keepdims=True, initial=-np.inf)


@kernel(ops.softmax_cross_entropy)
def softmax_cross_entropy(call: CallMeta) -> Any:
    axis = call.attributes["axis"]

    def run(labels: Any, logits: Any) -> Any:
        terms = _shifted(logits, axis)
        terms -= np.log(np.add.reduce(np.exp(terms), axis=axis, keepdims=True))
        np.multiply(terms, labels, out=terms)
        np.copyto(terms, 0, where=labels == 0)  # 0 · -∞ adds nothing
        return np.negative(np.add.reduce(terms, axis=axis))

    return widened(call, run)


@kernel(ops.softmax_cross_entropy_gradient)
def softmax_cross_entropy_gradient(call: CallMeta) -> Any:
    axis = call.attributes["axis"]

    def run(cotangent: Any, labels: Any, logits: Any) -> Any:
        result = _shifted(logits, axis)
        np.exp(result, out=result)
        total = np.add.reduce(result, axis=axis, keepdims=True)
        result *= np.add.reduce(labels, axis=axis, keepdims=True) / total
        result -= labels
        result *= np.expand_dims(cotangent, axis)
        return result

    return widened(call, run)


@kernel(ops.sparse_softmax_cross_entropy)
def sparse_softmax_cross_entropy(call: CallMeta) -> Any:
    axis = call.attributes["axis"]

    def run(labels: Any, logits: Any) -> Any:
        places = _classes(labels, logits.shape[axis], axis)
        shifted = _shifted(logits, axis)
        chosen = np.take_along_axis(shifted, places, axis)
        np.exp(shifted, out=shifted)
        total = np.add.reduce(shifted, axis=axis, keepdims=True)
        return np.squeeze(np.log(total, out=total) - chosen, axis)

    return _keeping_labels(call, run)


@kernel(ops.sparse_softmax_cross_entropy_gradient)
def sparse_softmax_cross_entropy_gradient(call: CallMeta) -> Any:
    axis = call.attributes["axis"]

    def run(cotangent: Any, labels: Any, logits: Any) -> Any:
        places, weights = _classes(labels, logits.shape[axis], axis), np.expand_dims(cotangent, axis)
        result = _shifted(logits, axis)
        np.exp(result, out=result)
        result *= weights / np.add.reduce(result, axis=axis, keepdims=True)
        np.put_along_axis(result, places, np.take_along_axis(result, places, axis) - weights, axis)
        return result

    return _keeping_labels(call, run)


def _classes(labels: Any, count: int, axis: int) -> Any:
    """Labels as indices along the class axis.

    Raises: IndexRangeError for one that is no class.
    """
    places = signed(labels)
    if places.size and (places.min() < 0 or places.max() >= count):
        at = tuple(map(int, np.argwhere((places < 0) | (places >= count))[0]))
        raise IndexRangeError(
            f"sparse_softmax_cross_entropy: label {labels[at]} is no class",
            where=f"sparse_softmax_cross_entropy, labels[{', '.join(map(str, at))}]",
            expected=f"from 0 to {count - 1}, as the logits have {count} classes along axis {axis}",
            got=f"{labels[at]}",
            fix="mask examples that have no label: give them any class and multiply their loss by 0",
        )
    return np.expand_dims(places.astype(np.intp, copy=False), axis)


def _keeping_labels(call: CallMeta, function: Any) -> Any:
    """`widened`, for logits that are narrow while the labels beside them are integers."""
    position = next(place for place, operand in enumerate(call.operation.operands) if operand.name == "labels")
    logits = call.operands[-1]
    if logits is None or logits.dtype.size_bytes >= 4:
        return widened(call, function)

    def run(*inputs: Any) -> Any:
        labels = inputs[position]
        others = [value for place, value in enumerate(inputs) if place != position]
        narrow = others[-1].dtype
        wide = [value.astype(np.float32) for value in others]
        with np.errstate(all="ignore"):
            return function(*wide[:position], labels, *wide[position:]).astype(narrow)

    return run


@kernel(ops.sigmoid_cross_entropy, binding="per_dtype")
def sigmoid_cross_entropy(call: CallMeta) -> Any:
    def run(labels: Any, logits: Any) -> Any:
        result = np.absolute(logits, out=np.empty_like(logits))
        np.negative(result, out=result)
        np.exp(result, out=result)
        np.log1p(result, out=result)
        result += np.maximum(logits, 0)
        return result - logits * labels

    return widened(call, run)


@kernel(ops.sigmoid_cross_entropy_gradient, binding="per_dtype")
def sigmoid_cross_entropy_gradient(call: CallMeta) -> Any:
    def run(cotangent: Any, labels: Any, logits: Any) -> Any:
        # e⁻ᶻ overflows to ∞ for very negative z, and 1 / ∞ is the right 0.
        result = np.negative(logits, out=np.empty_like(logits))
        np.exp(result, out=result)
        result += 1
        np.reciprocal(result, out=result)
        return (result - labels) * cotangent

    return widened(call, run)
