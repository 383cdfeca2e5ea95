"""From scores to weights: masks, the greatest of each row, and powers, for a few rows of scores in scratch memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import e, log2

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import element_of, lanes_of
from .counts import Count, divided, larger, parts, plus, smaller, times, value_of
from .memory import Matrix, load_as
from .product import Rows, load_aligned, store_aligned
from .transposition import interleavings

LOG2_E = log2(e)

# Of 2ᶠ for |f| ≤ ½, minimax in relative error before coefficients are rounded: 2^-23.7 for float, 2^-58.2 for double.
COEFFICIENTS = {
    "float": (
        *(1.0000001192092896, 0.6931469440460205, 0.24022120237350464),
        *(0.05550713092088699, 0.009675540961325169, 0.0013276472454890609),
    ),
    "double": (
        *(1.0, 0.6931471805599453, 0.24022650695910155, 0.055504108664819925, 0.009618129107588335),
        *(0.0013333558146789923, 0.00015403530462514432, 1.5252733489988525e-05, 1.32154330896764e-06),
        *(1.0178198021671931e-07, 7.074105613508143e-09, 4.435282706957277e-10),
    ),
}
FRACTION_BITS = {"float": 23, "double": 52}
EXPONENT_BIAS = {"float": 127, "double": 1023}
WHOLE = {"float": "i32", "double": "i64"}
"""The whole numbers as wide as a floating type."""


@record
class Sight:
    """Which keys of a block the queries of a tile see: those below `limit`, and for each further row one more where
    `is_causal`, but never more than `bound`. Up to `full` vectors, all see all."""

    limit: Count
    bound: Count
    full: Count
    is_causal: bool

    def vectors(self, b: Builder, lanes: int) -> Count:
        """How many vectors hold what any query sees."""
        return parts(b, self.bound, lanes)


def sight(b: Builder, lanes: int, keys: Count, ahead: Count | None, height: int) -> Sight:
    """What a tile of queries sees of a block of keys; `ahead` is how far its first query is ahead of the first key, or
    None where each query sees all keys."""
    if ahead is None:
        return Sight(keys, keys, divided(b, keys, lanes), is_causal=False)
    limit = smaller(b, larger(b, plus(b, ahead, 1), 0), keys)
    bound = smaller(b, larger(b, plus(b, ahead, height), 0), keys)
    return Sight(plus(b, ahead, 1), bound, divided(b, limit, lanes), is_causal=True)


def power(b: Builder, x: Value, is_log2: bool) -> Value:
    """eˣ, or 2ˣ where x is in that unit already, for x ≤ 0; 0 where it is below the smallest normal number.

    x = n + f with a whole number n and |f| ≤ ½; 2ᶠ is a polynomial, and 2ⁿ has n in the place of its exponent.
    """
    element = x.element
    bits, bias = FRACTION_BITS[element], EXPONENT_BIAS[element]
    unit = b.constant(x.type, 1.0 if is_log2 else LOG2_E)
    lowest = b.constant(x.type, -bias if is_log2 else -bias / LOG2_E)
    x = b.select(b.compare("olt", x, lowest), lowest, x)
    # Beyond 2^bits a number has no fraction, so that adding this one rounds; n + bias is then in its lowest bits.
    magic = b.constant(x.type, 1.5 * 2.0**bits + bias)
    shifted = b.add(x, magic) if is_log2 else b.fma(x, unit, magic)
    whole = b.sub(shifted, magic)
    fraction = b.sub(x, whole) if is_log2 else b.fma(x, unit, b.neg(whole))
    *rest, value = (b.constant(x.type, coefficient) for coefficient in COEFFICIENTS[element])
    for coefficient in reversed(rest):
        value = b.fma(value, fraction, coefficient)
    numbers = b.convert("bitcast", shifted, WHOLE[element])
    exponent = b.operate("shl", numbers, b.constant(numbers.type, bits))
    return b.mul(value, b.convert("bitcast", exponent, element))


def greater(b: Builder, left: Value, right: Value) -> Value:
    """The greater of two numbers, lane by lane."""
    return b.select(b.compare("ogt", left, right), left, right)


def across(b: Builder, vectors: Sequence[Value], combine: Callable[[Value, Value], Value]) -> Value:
    """All lanes of each vector brought together: in lane i, those of vector i; of at most as many vectors as lanes.

    Steps are those of a transposition, but both results of a step are combined to one.
    """
    lanes = vectors[0].lanes
    count = 1 << (len(vectors) - 1).bit_length()
    left = [*vectors, *[vectors[-1]] * (count - len(vectors))]
    for even, odd in interleavings(lanes, vectors[0].element):
        pairs = [(left[0], left[0])] if len(left) == 1 else list(zip(left[::2], left[1::2], strict=True))
        left = [combine(b.shuffle(one, other, even), b.shuffle(one, other, odd)) for one, other in pairs]
    return left[0]


def greatest_of(b: Builder, type_: str, rows: Rows, group: range, vectors: Count) -> Value:
    """The greatest score of each row of a group, in a lane for each row. NaN is passed over."""
    most = [b.variable(b.constant(type_, float("-inf"))) for _ in group]
    with b.loop(0, vectors) as vector:
        for one, row in zip(most, group, strict=True):
            one.set(greater(b, load_aligned(b, type_, rows.at(b, type_, row, vector)), one.get()))
    return across(b, [one.get() for one in most], partial(greater, b))


def weigh(
    b: Builder,
    type_: str,
    rows: Rows,
    group: range,
    vectors: Count,
    shifts: Sequence[Value],
    is_log2: bool,
    factors: Sequence[Value] | None = None,
) -> Value:
    """Replaces the scores of a group of rows by the powers of what is left when a row's shift (a scalar) is taken off,
    times the row's factor. Gives their sums, in a lane for each row."""
    lanes = lanes_of(type_)
    sums = [b.variable(b.constant(type_, 0)) for _ in group]
    wide = [b.splat(shift, lanes) for shift in shifts]
    scales = [b.splat(factor, lanes) for factor in factors or ()]
    with b.loop(0, vectors) as vector:
        for number, row in enumerate(group):
            place = rows.at(b, type_, row, vector)
            weight = power(b, b.sub(load_aligned(b, type_, place), wide[number]), is_log2)
            if factors:
                weight = b.mul(weight, scales[number])
            store_aligned(b, weight, place)
            sums[number].set(b.add(sums[number].get(), weight))
    return across(b, [one.get() for one in sums], b.add)


def finite(b: Builder, greatest: Value) -> Value:
    """What is taken off the scores of rows: their greatest, but 0 where a row sees nothing."""
    lowest = b.constant(greatest.type, float("-inf"))
    return b.select(b.compare("oeq", greatest, lowest), b.constant(greatest.type, 0), greatest)


def reciprocal(b: Builder, total: Value) -> Value:
    """What the weights of rows are multiplied by, so that they sum to 1; 1 where they sum to 0."""
    one = b.constant(total.type, 1)
    return b.fdiv(one, b.select(b.compare("oeq", total, b.constant(total.type, 0)), one, total))


def hide(b: Builder, type_: str, rows: Rows, seen: Sight) -> None:
    """Sets the scores that their query doesn't see to -∞, up to the last vector that any query of the tile sees."""
    lanes, element = lanes_of(type_), WHOLE[element_of(type_)]
    if not seen.is_causal and isinstance(seen.bound, int) and seen.bound % lanes == 0:
        return
    numbers = b.lane_numbers(element, lanes)
    hidden = b.constant(type_, float("-inf"))
    with b.loop(0, rows.height) as row:
        limit = smaller(b, plus(b, seen.limit, row), seen.bound) if seen.is_causal else seen.bound
        scores = Rows(b.offset(rows.pointer, b.mul(row, b.index(rows.stride)), element_of(type_)), rows.stride, 1)
        with b.loop(seen.full, seen.vectors(b, lanes)) as vector:
            left = b.sub(value_of(b, limit), b.mul(vector, b.index(lanes)))
            count = b.splat(b.convert("trunc", left, element), lanes)
            place = scores.at(b, type_, 0, vector)
            score = load_aligned(b, type_, place)
            store_aligned(b, b.select(b.compare("slt", numbers, count), score, hidden), place)


def apply_mask(b: Builder, type_: str, rows: Rows, mask: Matrix, query: Value, key: Value, keys: Count) -> None:
    """Brings a mask to rows of scores, of which the first is that of `query` and begins with `key`: -∞ where it is
    False, or what it adds."""
    lanes, element = lanes_of(type_), element_of(type_)

    def masked(score: Value, given: Value) -> Value:
        if mask.dtype == "bool":
            return b.select(given, score, b.constant(score.type, float("-inf")))
        return b.add(score, given)

    with b.loop(0, rows.height) as row:
        scores = b.offset(rows.pointer, b.mul(row, b.index(rows.stride)), element)
        given = mask.at(b, b.add(query, row), key)
        view = Matrix(given, mask.dtype, mask.columns, 0, mask.column)
        done: Count = 0
        if mask.column in (0, 1):
            one = load_as(b, element, mask.dtype, given) if mask.column == 0 else None
            done = parts(b, keys, lanes) if one else divided(b, keys, lanes)
            with b.loop(0, done) as vector:
                column = b.mul(vector, b.index(lanes))
                place = b.offset(scores, column, element)
                many = b.splat(one, lanes) if one else load_as(b, type_, mask.dtype, view.at(b, b.index(0), column))
                store_aligned(b, masked(load_aligned(b, type_, place), many), place)
        with b.loop(times(b, done, lanes), keys) as column:
            place = b.offset(scores, column, element)
            number = load_as(b, element, mask.dtype, view.at(b, b.index(0), column))
            b.store(masked(b.load(element, place), number), place)
