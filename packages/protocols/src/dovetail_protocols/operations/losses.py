"""Losses, element by element or over a class axis; means over a batch are the caller's. Labels come first."""

from __future__ import annotations

from ..errors import ShapeError
from ..metas import TensorMeta
from ..operation import composite
from .activations import sigmoid
from .arithmetic import abs, maximum, minimum
from .exponential import exp, log, log1p
from .indexing import one_hot, take_along_axis, where
from .manipulation import expand_dims, squeeze
from .reductions import sum
from .shape_rules import elementwise, normalize_axis, reduced
from .softmax import log_softmax, softmax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..operation import Infer
    from .annotations import Floating, Index


def _check_equal_shapes(operation: str, first: TensorMeta, second: TensorMeta, names: tuple[str, str]) -> None:
    if first.shape != second.shape:
        raise ShapeError(
            f"{operation}: {names[0]} and {names[1]} differ in shape",
            where=f"{operation}, {names[0]}",
            expected=f"{second.shape}, as {names[1]}",
            got=f"{first.shape}",
            fix="labels that are class numbers go to sparse_softmax_cross_entropy",
        )


def _check_sparse(operation: str, labels: TensorMeta, logits: TensorMeta, axis: int) -> TensorMeta:
    loss = reduced(operation, logits, normalize_axis(operation, axis, logits.ndim), False)
    if labels.shape != loss.shape:
        raise ShapeError(
            f"{operation}: the labels don't fit the logits",
            where=f"{operation}, labels",
            expected=f"{loss.shape}: the logits {logits.shape} without their class axis {axis}",
            got=f"{labels.shape}",
            fix="labels with one entry for each class go to softmax_cross_entropy",
        )
    return loss


def _check_cotangent(operation: str, cotangent: TensorMeta, loss: TensorMeta) -> None:
    _check_equal_shapes(operation, cotangent, loss, ("cotangent", "the loss"))


# ---------------------------------------------------------------------- softmax with cross-entropy


def _infer_softmax_cross_entropy(labels: TensorMeta, logits: TensorMeta, *, axis: int) -> TensorMeta:
    _check_equal_shapes("softmax_cross_entropy", labels, logits, ("labels", "logits"))
    return reduced("softmax_cross_entropy", logits, normalize_axis("softmax_cross_entropy", axis, logits.ndim), False)


@composite(version=1, infer=_infer_softmax_cross_entropy)
def softmax_cross_entropy(labels: Floating, logits: Floating, /, *, axis: int = -1) -> Floating:
    """-Σ labels · log softmax(logits) along `axis`, computed without overflow.

    labels, logits: (..., classes); labels are probabilities (one-hot or soft). Result: (...). A class with label 0 adds
    nothing, even where its logit is -inf.

    Source: Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.2.2.3.
    """
    return -sum(labels * where(labels == 0, 0.0, log_softmax(logits, axis=axis)), axis=axis)


def _infer_softmax_gradient(cotangent: TensorMeta, labels: TensorMeta, logits: TensorMeta, *, axis: int) -> TensorMeta:
    loss = _infer_softmax_cross_entropy(labels, logits, axis=axis)
    _check_cotangent("softmax_cross_entropy_gradient", cotangent, loss)
    return logits


@composite(version=1, infer=_infer_softmax_gradient)
def softmax_cross_entropy_gradient(
    cotangent: Floating, labels: Floating, logits: Floating, /, *, axis: int = -1
) -> Floating:
    """The cotangent of softmax_cross_entropy's logits: cotangent · (softmax(logits) · Σ labels - labels).

    cotangent: (...), labels, logits: (..., classes). Result: as logits.
    """
    difference = softmax(logits, axis=axis) * sum(labels, axis=axis, keepdims=True) - labels
    return expand_dims(cotangent, axis=axis) * difference


def _infer_sparse(labels: TensorMeta, logits: TensorMeta, *, axis: int) -> TensorMeta:
    return _check_sparse("sparse_softmax_cross_entropy", labels, logits, axis)


@composite(version=1, infer=_infer_sparse)
def sparse_softmax_cross_entropy(labels: Index, logits: Floating, /, *, axis: int = -1) -> Floating:
    """-log softmax(logits) at each label along `axis`, computed without overflow.

    labels: (...), integers from 0 to classes - 1; logits: (..., classes). Result: (...). A label out of range raises
    when evaluated eagerly; in a compiled function its loss is not specified.

    Source: Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.2.2.3.
    """
    chosen = take_along_axis(log_softmax(logits, axis=axis), expand_dims(labels, axis=axis), axis=axis)
    return -squeeze(chosen, axis=axis)


def _infer_sparse_gradient(cotangent: TensorMeta, labels: TensorMeta, logits: TensorMeta, *, axis: int) -> TensorMeta:
    loss = _check_sparse("sparse_softmax_cross_entropy_gradient", labels, logits, axis)
    _check_cotangent("sparse_softmax_cross_entropy_gradient", cotangent, loss)
    return logits


@composite(version=1, infer=_infer_sparse_gradient)
def sparse_softmax_cross_entropy_gradient(
    cotangent: Floating, labels: Index, logits: Floating, /, *, axis: int = -1
) -> Floating:
    """The cotangent of sparse_softmax_cross_entropy's logits: cotangent · (softmax(logits) - one-hot labels).

    cotangent, labels: (...), logits: (..., classes). Result: as logits.
    """
    target = one_hot(labels, depth=logits.shape[axis], axis=axis, dtype=logits.dtype)
    return expand_dims(cotangent, axis=axis) * (softmax(logits, axis=axis) - target)


# ---------------------------------------------------------------------- sigmoid with cross-entropy


def _infer_sigmoid(labels: TensorMeta, logits: TensorMeta) -> TensorMeta:
    return elementwise("sigmoid_cross_entropy", labels, logits)


@composite(version=1, infer=_infer_sigmoid)
def sigmoid_cross_entropy(labels: Floating, logits: Floating, /) -> Floating:
    """-labels · log σ(logits) - (1 - labels) · log(1 - σ(logits)), element by element, as
    max(logits, 0) - logits · labels + log(1 + exp(-|logits|)), which doesn't overflow.

    labels: probabilities. Operands broadcast.

    Source: TensorFlow, sigmoid_cross_entropy_with_logits, for the stable form.
    """
    return maximum(logits, 0.0) - logits * labels + log1p(exp(-abs(logits)))


def _infer_sigmoid_gradient(cotangent: TensorMeta, labels: TensorMeta, logits: TensorMeta) -> TensorMeta:
    return elementwise("sigmoid_cross_entropy_gradient", cotangent, labels, logits)


@composite(version=1, infer=_infer_sigmoid_gradient)
def sigmoid_cross_entropy_gradient(cotangent: Floating, labels: Floating, logits: Floating, /) -> Floating:
    """The cotangent of sigmoid_cross_entropy's logits: cotangent · (σ(logits) - labels). Operands broadcast."""
    return cotangent * (sigmoid(logits) - labels)


# ---------------------------------------------------------------------- regression and distributions


def _pair(operation: str) -> Infer:
    """The rule of a loss that compares labels and predictions element by element."""

    def infer(labels: TensorMeta, predictions: TensorMeta, **_attributes: object) -> TensorMeta:
        return elementwise(operation, labels, predictions)

    return infer


@composite(version=1, infer=_pair("squared_error"))
def squared_error(labels: Floating, predictions: Floating, /) -> Floating:
    """(predictions - labels)², element by element. Operands broadcast."""
    difference = predictions - labels
    return difference * difference


@composite(version=1, infer=_pair("absolute_error"))
def absolute_error(labels: Floating, predictions: Floating, /) -> Floating:
    """|predictions - labels|, element by element. Operands broadcast."""
    return abs(predictions - labels)


@composite(version=1, infer=_pair("huber"))
def huber(labels: Floating, predictions: Floating, /, *, delta: float = 1.0) -> Floating:
    """½ e² where |e| ≤ delta, else delta · (|e| - ½ delta), with e = predictions - labels. Operands broadcast.

    Source: Huber 1964, Robust estimation of a location parameter, Annals of Mathematical Statistics 35(1).
    """
    size = abs(predictions - labels)
    small = minimum(size, delta)
    return small * (size - 0.5 * small)


@composite(version=1, infer=_pair("log_cosh"))
def log_cosh(labels: Floating, predictions: Floating, /) -> Floating:
    """log cosh(predictions - labels), as |e| + log1p(exp(-2|e|)) - log 2, without overflow. Operands broadcast."""
    size = abs(predictions - labels)
    return size + log1p(exp(-2.0 * size)) - 0.6931471805599453  # log 2


def _infer_kl(labels: TensorMeta, predictions: TensorMeta, *, axis: int) -> TensorMeta:
    both = elementwise("kl_divergence", labels, predictions)
    return reduced("kl_divergence", both, normalize_axis("kl_divergence", axis, both.ndim), False)


@composite(version=1, infer=_infer_kl)
def kl_divergence(labels: Floating, predictions: Floating, /, *, axis: int = -1) -> Floating:
    """Σ labels · log(labels / predictions) along `axis`: the Kullback-Leibler divergence of two distributions.

    labels, predictions: (..., outcomes), probabilities; they broadcast. Where a label is 0 nothing is added; where only
    the prediction is 0 the result is inf.

    Source: Kullback and Leibler 1951, On information and sufficiency, Annals of Mathematical Statistics 22(1).
    """
    impossible = labels == 0
    ratio = where(impossible, 1.0, labels) / where(impossible, 1.0, predictions)
    return sum(labels * log(ratio), axis=axis)
