"""The parts of complex numbers. Real numbers pass as complex ones without an imaginary part."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import elementwise, real_part_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Numeric


@primitive(version=1)
def real(x: Numeric, /) -> Numeric:
    """The real part, in the dtype of the parts.

    Source: array API 2024.12, real.
    """
    return elementwise("real", x, dtype=real_part_of(x.dtype))


@primitive(version=1)
def imag(x: Numeric, /) -> Numeric:
    """The imaginary part, in the dtype of the parts; 0 for real x.

    Source: array API 2024.12, imag.
    """
    return elementwise("imag", x, dtype=real_part_of(x.dtype))


@primitive(version=1)
def conj(x: Numeric, /) -> Numeric:
    """The complex conjugate, re − i·im; x itself for real x.

    Source: array API 2024.12, conj.
    """
    return elementwise("conj", x)
