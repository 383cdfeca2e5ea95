"""The error function and its inverse."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from .bits import absolute, at_most, with_sign
from .exponential import exp_normal
from .polynomials import polynomial

# erf x = x + x·P(x²) on 0 ≤ x ≤ 0.9, and log(1 − erf x) = Q(x) on 0.9 ≤ x ≤ 4, minimax in relative error of erf:
# 2^-30.1 and 2^-33.9.
ERF_NEAR_FLOAT = (
    *(0.12837916612625122, -0.3761262893676758, 0.11283624172210693, -0.026855560019612312, 0.00519175361841917),
    *(-0.0008039767271839082, 7.943208765937015e-05),
)
ERF_FAR_FLOAT = (
    *(0.00016920792404562235, -1.129488468170166, -0.6334006190299988, -0.10822076350450516, 0.02508094348013401),
    *(-0.0041564092971384525, 0.0004314312245696783, -2.0832305381190963e-05),
)
_ERF_IS_ONE = 4.0


def erf(b: Builder, x: Value) -> Value:
    """The error function: an odd polynomial near 0, else 1 − exp(Q(|x|))."""
    magnitude = at_most(b, absolute(b, x), _ERF_IS_ONE)
    near = b.fma(magnitude, polynomial(b, b.mul(magnitude, magnitude), ERF_NEAR_FLOAT), magnitude)
    far = b.sub(b.constant(x.type, 1.0), exp_normal(b, polynomial(b, magnitude, ERF_FAR_FLOAT)))
    is_near = b.compare("ult", magnitude, b.constant(x.type, 0.9))  # NaN too: there it stays NaN
    return with_sign(b, b.select(is_near, near, far), x)
