"""Activation functions, element by element. Each body is the formula."""

from __future__ import annotations

from math import pi, sqrt

from ..operation import composite, primitive
from .arithmetic import abs, divide, maximum, minimum
from .exponential import exp, expm1, log1p
from .indexing import where
from .shape_rules import elementwise, like_first
from .special import erf
from .trigonometric import tanh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating, Real

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@composite(version=1, infer=like_first)
def relu(x: Real, /) -> Real:
    """maximum(x, 0). The gradient at 0 is 0.

    Source: TensorFlow, tf.nn.relu.
    """
    return maximum(x, 0)


@composite(version=1, infer=like_first)
def relu6(x: Real, /) -> Real:
    """minimum(maximum(x, 0), 6). The gradient at 0 and 6 is 0.

    Source: TensorFlow, tf.nn.relu6.
    """
    return minimum(maximum(x, 0), 6)


@composite(version=1, infer=like_first)
def leaky_relu(x: Floating, /, *, negative_slope: float = 0.2) -> Floating:
    """x where x > 0, else negative_slope · x; that slope is also the gradient at 0.

    Source: TensorFlow, tf.nn.leaky_relu; Keras' name and default of the slope.
    """
    return where(x > 0, x, x * negative_slope)


@composite(version=1, infer=like_first)
def elu(x: Floating, /, *, alpha: float = 1.0) -> Floating:
    """x where x > 0, else alpha · (eˣ − 1).

    Source: Clevert, Unterthiner, Hochreiter, arXiv:1511.07289, equation 15.
    """
    # The branch that isn't taken must not overflow, or its gradient would be 0 · ∞.
    return where(x > 0, x, expm1(minimum(x, 0)) * alpha)


@composite(version=1, infer=like_first)
def selu(x: Floating, /) -> Floating:
    """λ · elu(x, α) with λ ≈ 1.0507 and α ≈ 1.6733, which keep mean 0 and variance 1 from layer to layer.

    Source: Klambauer et al., arXiv:1706.02515, equation 2.
    """
    return elu(x, alpha=SELU_ALPHA) * SELU_SCALE


@composite(version=1, infer=like_first)
def celu(x: Floating, /, *, alpha: float = 1.0) -> Floating:
    """x where x > 0, else alpha · (exp(x / alpha) − 1); continuously differentiable.

    Source: Barron, arXiv:1704.07483, equation 2.
    """
    return where(x > 0, x, expm1(minimum(x, 0) / alpha) * alpha)


@composite(version=1, infer=like_first)
def gelu(x: Floating, /, *, approximate: bool = False) -> Floating:
    """x · Φ(x) with the normal distribution's Φ(x) = ½ (1 + erf(x / √2)).

    `approximate` takes ½ (1 + tanh(√(2/π) (x + 0.044715 x³))) for Φ.

    Source: Hendrycks, Gimpel, arXiv:1606.08415, section 2.
    """
    if approximate:
        return x * 0.5 * (tanh((x + x * x * x * 0.044715) * sqrt(2 / pi)) + 1)
    return x * 0.5 * (erf(x * sqrt(0.5)) + 1)


@primitive(version=1)
def sigmoid(x: Floating, /) -> Floating:
    """1 / (1 + e⁻ˣ), without overflow.

    Source: TensorFlow, tf.sigmoid.
    """
    return elementwise("sigmoid", x)


@composite(version=1, infer=like_first)
def silu(x: Floating, /) -> Floating:
    """x · sigmoid(x), also known as swish.

    Source: Ramachandran, Zoph, Le, arXiv:1710.05941, section 3, with β = 1.
    """
    return x * sigmoid(x)


@composite(version=1, infer=like_first)
def softplus(x: Floating, /) -> Floating:
    """log(1 + eˣ), computed without overflow as maximum(x, 0) + log1p(e^−|x|).

    Source: TensorFlow, tf.math.softplus.
    """
    return maximum(x, 0) + log1p(exp(-abs(x)))


@composite(version=1, infer=like_first)
def log_sigmoid(x: Floating, /) -> Floating:
    """log(sigmoid(x)), computed as −softplus(−x).

    Source: TensorFlow, tf.math.log_sigmoid.
    """
    return -softplus(-x)


@composite(version=1, infer=like_first)
def softsign(x: Floating, /) -> Floating:
    """x / (1 + |x|).

    Source: TensorFlow, tf.nn.softsign.
    """
    return divide(x, abs(x) + 1)


@composite(version=1, infer=like_first)
def hard_sigmoid(x: Floating, /) -> Floating:
    """relu6(x + 3) / 6.

    Source: Keras 3, keras.activations.hard_sigmoid.
    """
    return divide(relu6(x + 3), 6)


@composite(version=1, infer=like_first)
def hard_silu(x: Floating, /) -> Floating:
    """x · hard_sigmoid(x), also known as hard swish.

    Source: Howard et al., arXiv:1905.02244, section 5.2.
    """
    return x * hard_sigmoid(x)


@composite(version=1, infer=like_first)
def mish(x: Floating, /) -> Floating:
    """x · tanh(softplus(x)).

    Source: Misra, arXiv:1908.08681, equation 1.
    """
    return x * tanh(softplus(x))
