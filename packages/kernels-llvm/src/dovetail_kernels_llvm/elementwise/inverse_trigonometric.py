"""Inverse trigonometric functions."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from .arithmetic import sqrt
from .bits import absolute, with_sign
from .exact import ordered_sum
from .polynomials import polynomial
from .signs import signbit

# asin t = t + t·z·P(z) with z = t², on 0 ≤ t ≤ ½: 2^-31.6, 2^-59.8.
_ASIN = {
    "float": (
        *(0.16666659712791443, 0.07500521838665009, 0.044513389468193054, 0.031838662922382355),
        *(0.014318234287202358, 0.03768889978528023),
    ),
    "double": (
        *(0.1666666666666676, 0.07499999999970812, 0.04464285717464445, 0.030381942704759315, 0.022372215104008657),
        *(0.017351609474031162, 0.013980855501671463, 0.011398594362598269, 0.010782192440746147),
        *(0.0036985436677231917, 0.021727783857606604, -0.021029418222097557, 0.03264853145455807),
    ),
}
# atan t = t + t·z·P(z) with z = t², on 0 ≤ t ≤ 1: 2^-28.4, 2^-57.5.
_ATAN = {
    "float": (
        *(-0.33333298563957214, 0.1999852955341339, -0.14264015853405, 0.10950881242752075, -0.08399314433336258),
        *(0.057881712913513184, -0.031097574159502983, 0.010869183577597141, -0.0017829800490289927),
    ),
    "double": (
        *(-0.3333333333333307, 0.19999999999951745, -0.1428571428258768, 0.111111110073263, -0.09090907007466935),
        *(0.07692279884522844, -0.06666404384014567, 0.058805295579069536, -0.05253525612643129),
        *(0.04722344262381318, -0.04219232606939015, 0.03664293400231133, -0.029905387825369712),
        *(0.021986636591488435, -0.0139021636622759, 0.007197592981049869, -0.0028854594999061524),
        *(0.0008315069157764896, -0.00015219984010859928, 1.3228883434905306e-05),
    ),
}
_QUARTER_TURN = {
    "float": (1.57079637050628662109375, -4.371139000186241e-8),
    "double": (1.5707963267948966, 6.123233995736766e-17),
}
"""π/2 in two parts."""


def asin(b: Builder, x: Value) -> Value:
    """The angle whose sine is x; NaN outside [−1, 1]. Beyond ½ it is π/2 − 2·asin √((1 − |x|) / 2)."""
    is_near, t, rest = _half_angle(b, x)
    high, low = (b.constant(x.type, part) for part in _QUARTER_TURN[x.element])
    near, lost = ordered_sum(b, high, b.neg(b.add(t, t)))
    far = b.add(near, b.add(lost, b.sub(low, b.add(rest, rest))))
    return with_sign(b, b.select(is_near, b.add(t, rest), far), x)


def acos(b: Builder, x: Value) -> Value:
    """The angle whose cosine is x; NaN outside [−1, 1]."""
    is_near, t, rest = _half_angle(b, x)
    high, low = (b.constant(x.type, part) for part in _QUARTER_TURN[x.element])
    near = b.sub(high, b.sub(with_sign(b, b.add(t, rest), x), low))
    right = b.add(t, rest)
    left = b.sub(high, b.add(t, b.sub(rest, low)))
    half = b.select(b.compare("olt", x, b.constant(x.type, 0.0)), left, right)
    return b.select(is_near, near, b.add(half, half))


def _half_angle(b: Builder, x: Value) -> tuple[Value, Value, Value]:
    """Where |x| < ½, and t and asin t − t of t = |x| there, of t = √((1 − |x|) / 2) elsewhere."""
    magnitude = absolute(b, x)
    half = b.constant(x.type, 0.5)
    is_near = b.compare("ult", magnitude, half)  # NaN too: there it stays NaN
    z = b.select(is_near, b.mul(x, x), b.mul(b.sub(b.constant(x.type, 1.0), magnitude), half))
    t = b.select(is_near, magnitude, sqrt(b, z))
    return is_near, t, b.mul(b.mul(t, z), polynomial(b, z, _ASIN[x.element]))


def atan(b: Builder, x: Value) -> Value:
    """The angle whose tangent is x. Beyond 1 it is π/2 − atan(1/|x|)."""
    magnitude = absolute(b, x)
    one = b.constant(x.type, 1.0)
    is_steep = b.compare("ogt", magnitude, one)
    t = b.fdiv(b.select(is_steep, one, magnitude), b.select(is_steep, magnitude, one))
    return with_sign(b, _angle(b, t, is_steep), x)


def atan2(b: Builder, x1: Value, x2: Value) -> Value:
    """The angle of the point (x2, x1), by the octant that it is in."""
    rise, run = absolute(b, x1), absolute(b, x2)
    is_steep = b.compare("ogt", rise, run)
    smaller, larger = b.select(is_steep, run, rise), b.select(is_steep, rise, run)
    zero, one = b.constant(x1.type, 0.0), b.constant(x1.type, 1.0)
    # Of equal operands neither 0/0 nor ∞/∞ is wanted.
    t = b.select(b.compare("oeq", larger, zero), zero, b.fdiv(smaller, larger))
    t = b.select(b.operate("and", b.compare("oeq", rise, run), b.compare("one", rise, zero)), one, t)
    angle = _angle(b, t, is_steep)
    high, low = (b.constant(x1.type, 2 * part) for part in _QUARTER_TURN[x1.element])
    angle = b.select(signbit(b, x2), b.sub(high, b.sub(angle, low)), angle)
    result = with_sign(b, angle, x1)
    return b.select(b.compare("uno", x1, x2), b.add(x1, x2), result)


def _angle(b: Builder, t: Value, is_steep: Value) -> Value:
    """atan t of t from 0 to 1, or where it is steep the angle that completes it to a quarter turn."""
    z = b.mul(t, t)
    rest = b.mul(b.mul(t, z), polynomial(b, z, _ATAN[t.element]))
    high, low = (b.constant(t.type, part) for part in _QUARTER_TURN[t.element])
    steep = b.sub(high, b.sub(b.add(t, rest), low))
    return b.select(is_steep, steep, b.add(t, rest))
