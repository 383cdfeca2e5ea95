"""Exponentials and logarithms, element by element."""

from __future__ import annotations

from math import log as natural_logarithm

from ..operation import composite, primitive
from .arithmetic import abs, maximum
from .indexing import where
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..metas import TensorMeta
    from .annotations import Floating, Inexact


@primitive(version=1)
def exp(x: Inexact, /) -> Inexact:
    """e to the power x.

    Source: array API 2024.12, exp.
    """
    return elementwise("exp", x)


@primitive(version=1)
def expm1(x: Inexact, /) -> Inexact:
    """e to the power x, minus 1, accurate for x near 0.

    Source: array API 2024.12, expm1.
    """
    return elementwise("expm1", x)


@primitive(version=1)
def exp2(x: Inexact, /) -> Inexact:
    """2 to the power x.

    Source: NumPy, exp2.
    """
    return elementwise("exp2", x)


@primitive(version=1)
def log(x: Inexact, /) -> Inexact:
    """The natural logarithm: −∞ for 0, NaN for negative real x.

    Source: array API 2024.12, log.
    """
    return elementwise("log", x)


@primitive(version=1)
def log1p(x: Inexact, /) -> Inexact:
    """log(1 + x), accurate for x near 0.

    Source: array API 2024.12, log1p.
    """
    return elementwise("log1p", x)


@primitive(version=1)
def log2(x: Inexact, /) -> Inexact:
    """The logarithm to base 2, exact for powers of 2.

    Source: array API 2024.12, log2.
    """
    return elementwise("log2", x)


@primitive(version=1)
def log10(x: Inexact, /) -> Inexact:
    """The logarithm to base 10.

    Source: array API 2024.12, log10.
    """
    return elementwise("log10", x)


def _broadcast(x1: TensorMeta, x2: TensorMeta) -> TensorMeta:
    return elementwise("logaddexp", x1, x2)


@composite(version=1, infer=_broadcast)
def logaddexp(x1: Floating, x2: Floating, /) -> Floating:
    """log(exp(x1) + exp(x2)), computed without overflow as maximum(x1, x2) + log1p(exp(−|x1 − x2|)).

    Source: array API 2024.12, logaddexp.
    """
    # Equal operands are taken apart because ∞ − ∞ is NaN.
    apart = maximum(x1, x2) + log1p(exp(-abs(x1 - x2)))
    return where(x1 == x2, x1 + natural_logarithm(2.0), apart)
