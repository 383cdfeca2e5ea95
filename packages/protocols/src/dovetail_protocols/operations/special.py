"""Special functions."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating


@primitive(version=1)
def erf(x: Floating, /) -> Floating:
    """The error function, 2/√π ∫₀ˣ exp(−t²) dt.

    Source: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969).
    """
    return elementwise("erf", x)


@primitive(version=1)
def erfinv(x: Floating, /) -> Floating:
    """The x in [−∞, ∞] whose error function is given: ±∞ for ±1, NaN outside [−1, 1].

    Source: M. J. Wichura, Algorithm AS 241: The percentage points of the normal
    distribution, Applied Statistics 37 (1988).
    """
    return elementwise("erfinv", x)
