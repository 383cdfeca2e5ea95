"""Angles less whole quarter turns: x = n·π/2 + r with |r| ≤ π/4, right to the last bit for every finite x.

Small angles less n times parts of π/2 that have so few bits that the products are exact. Source: fdlibm, e_rem_pio2.c.
Large ones, lane by lane, by the bits of 2/π that matter for the exponent of x. Source: M. Payne, R. Hanek, "Radian
reduction for trigonometric functions", ACM SIGNUM Newsletter 18 (1983).
"""

from __future__ import annotations

from dovetail_protocols.records import record

from ..codegen.builder import Builder, Value, Variable
from .bits import INFINITY, from_bits, to_bits
from .exact import ordered_sum, plain_add, plain_mul, two_product, two_sum
from .exponential import MAGIC

LARGE = 2.0**20
"""From here on angles are reduced lane by lane: n has 20 bits, and the parts of π/2 33."""

_QUARTER_TURN = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32)
"""π/2 in parts of 33 bits, and the rest."""
_QUARTER_TURN_REST = 6.077100506506192e-11
"""π/2 less the first part, in one number."""
_QUARTER_TURN_PAIR = (1.5707963267948966, 6.123233995736766e-17)
_TWO_OVER_PI = (
    *(0x0000000000000000, 0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561),
    *(0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484, 0xE99C7026B45F7E41),
    *(0x3991D639835339F4, 0x9C845F8BBDF9283B, 0x1FF897FFDE05980F, 0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7),
    *(0x4F463F669E5FEA2D, 0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB),
)
"""The bits of 2/π behind the point, after 64 zeros."""


@record
class Reduced:
    """`turns` has n in its lowest two bits (lanes of i64); r is `high` + `low`, the latter absent where `high` is
    enough."""

    turns: Value
    high: Value
    low: Value | None


def quarter_turns(b: Builder, x: Value, *, precise: bool) -> Reduced:
    """The reduction of doubles x ≥ 0. `precise`: with what r is more than one double."""
    magic = b.constant(x.type, MAGIC["double"])
    shifted = b.fma(x, b.constant(x.type, 0.6366197723675814), magic)
    n = b.sub(shifted, magic)
    minus = [b.constant(x.type, -part) for part in _QUARTER_TURN]
    near = b.fma(n, minus[0], x)
    low: Variable | None = None
    if precise:
        first, first_error = two_sum(b, near, plain_mul(b, n, minus[1]))
        second, second_error = two_sum(b, first, plain_mul(b, n, minus[2]))
        rest = plain_add(b, plain_add(b, first_error, second_error), plain_mul(b, n, minus[3]))
        total, error = ordered_sum(b, second, rest)
        high, low = b.variable(total), b.variable(error)
    else:
        high = b.variable(b.fma(n, b.constant(x.type, -_QUARTER_TURN_REST), near))
    turns = b.variable(to_bits(b, shifted))
    is_large = _is_large(b, x)
    with b.when(b.any_lane(is_large)):
        _reduce_lanes(b, x, turns, high, low)
    return Reduced(turns.get(), high.get(), low.get() if low else None)


def _is_large(b: Builder, x: Value) -> Value:
    large = b.compare("oge", x, b.constant(x.type, LARGE))
    return b.operate("and", large, b.compare("olt", x, b.constant(x.type, INFINITY)))


def _reduce_lanes(b: Builder, x: Value, turns: Variable, high: Variable, low: Variable | None) -> None:
    """Reduces those lanes that are large, and leaves the others."""
    angles, counts, highs = b.array("double", x.lanes), b.array("i64", x.lanes), b.array("double", x.lanes)
    lows = b.array("double", x.lanes) if low else None
    b.store(x, angles)
    b.store(turns.get(), counts)
    b.store(high.get(), highs)
    if low and lows:
        b.store(low.get(), lows)
    table = b.table("i64", _TWO_OVER_PI)
    with b.loop(0, x.lanes) as lane:
        angle = b.load("double", b.offset(angles, lane, "double"))
        with b.when(_is_large(b, angle)):
            quarter, r_high, r_low = _reduce_large(b, angle, table)
            b.store(quarter, b.offset(counts, lane, "i64"))
            b.store(r_high, b.offset(highs, lane, "double"))
            if lows:
                b.store(r_low, b.offset(lows, lane, "double"))
    turns.set(b.load(turns.type, counts))
    high.set(b.load(high.type, highs))
    if low and lows:
        low.set(b.load(low.type, lows))


def _reduce_large(b: Builder, x: Value, table: Value) -> tuple[Value, Value, Value]:
    """n, and r in two parts, of one large double: x is m·2^q with a whole m of 53 bits, so of 2/π only the bits from
    2^(1 − q) down count, all others giving whole turns; 192 of them are multiplied by m."""
    bits = to_bits(b, x)
    m = b.operate("or", b.operate("and", bits, b.index((1 << 52) - 1)), b.index(1 << 52))
    place = b.add(b.operate("lshr", bits, b.index(52)), b.index(62 - 1075))
    shift = b.operate("and", place, b.index(63))
    word = b.operate("lshr", place, b.index(6))
    words = [b.load("i64", b.offset(table, b.add(word, b.index(k)), "i64")) for k in range(4)]
    top, middle, bottom = (b.intrinsic("llvm.fshl", "i64", words[k], words[k + 1], shift) for k in range(3))

    def wide(value: Value) -> Value:
        return b.convert("zext", value, "i128")

    def places(value: Value, name: str, count: int) -> Value:
        return b.operate(name, value, b.constant("i128", count))

    product = b.add(places(wide(b.mul(m, top)), "shl", 64), b.mul(wide(m), wide(middle)))
    product = b.add(product, places(b.mul(wide(m), wide(bottom)), "lshr", 64))
    # Its two first bits count quarter turns; the rest, with the first bit as a sign, is r·2/π from −½ to ½.
    quarter = b.operate("lshr", b.add(b.convert("trunc", places(product, "lshr", 125), "i64"), b.index(1)), b.index(1))
    fraction = places(product, "shl", 2)
    above = b.convert("trunc", places(fraction, "lshr", 64), "i64")
    below = b.convert("trunc", fraction, "i64")
    # In three numbers that are exact: 53 bits, 53 bits, 22 bits.
    last = b.operate("and", above, b.index(2047))
    first = b.convert("sitofp", b.operate("xor", above, last), "double")
    joined = b.operate("or", b.operate("shl", last, b.index(42)), b.operate("lshr", below, b.index(22)))
    second = b.mul(b.convert("sitofp", joined, "double"), b.constant("double", 2.0**-106))
    third = b.convert("sitofp", b.operate("and", below, b.index((1 << 22) - 1)), "double")
    high, low = ordered_sum(b, plain_mul(b, first, b.constant("double", 2.0**-64)), second)
    low = b.fma(third, b.constant("double", 2.0**-128), low)
    pi_high, pi_low = (b.constant("double", part) for part in _QUARTER_TURN_PAIR)
    angle, error = two_product(b, high, pi_high)
    return quarter, *ordered_sum(b, angle, b.fma(low, pi_high, b.fma(high, pi_low, error)))


def signed_by(b: Builder, value: Value, bits: Value, place: int) -> Value:
    """The value, negated where the bit at a place of `bits` (as wide as the value) is 1."""
    width = {"i32": 32, "i64": 64}[bits.element]
    top = b.operate("shl", bits, b.constant(bits.type, width - 1 - place))
    sign = b.operate("and", top, b.constant(bits.type, 1 << (width - 1)))
    return from_bits(b, b.operate("xor", to_bits(b, value), sign))
