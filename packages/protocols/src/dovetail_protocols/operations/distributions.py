"""Random numbers of a distribution, computed from `random_bits`: the bits are exact everywhere, the arithmetic after
them is that of the operations it names.

Each takes a random state (see random.py) and leaves it as it is. For n random elements each of them looks at no more
than n + 1 blocks of the state's stream, so that `random_advance(state, blocks=blocks_for(n))` is past them.
"""

from __future__ import annotations

from math import erf as scalar_erf
from math import isfinite, pi, prod

from ..dtypes import bool_, float32, float64, uint32, uint64
from ..dtypes import dtype as find_dtype
from ..errors import AttributeValueError, DTypeError
from ..metas import TensorMeta
from ..operation import composite
from .arithmetic import add, clip, multiply, negative, sqrt
from .bitwise import bitwise_right_shift
from .comparison import less, less_equal
from .exponential import log
from .random import random_advance, random_bits, state_batch
from .sizes import as_shape
from .special import erfinv
from .trigonometric import cos
from .type_conversion import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..dtypes import DType
    from .annotations import Boolean, Floating, RandomState

SIGNIFICAND_BITS = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}
"""How many random bits a fraction of each dtype gets: as many as its significand holds."""

SQRT_2 = 2.0**0.5


def blocks_for(count: int) -> int:
    """By how many blocks to advance a state after drawing `count` elements of any distribution."""
    return count + 1


# ---------------------------------------------------------------------- from bits to fractions


def _words(shape: tuple[int, ...], dtype: DType) -> int:
    return prod(shape) * (2 if dtype is float64 else 1)


def _fraction(state: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    """The upper bits of each word, as a multiple of 2⁻ᵖ in [0, 1); p is the dtype's significand. Exact."""
    bits, width = (uint64, 64) if dtype is float64 else (uint32, 32)
    precision = SIGNIFICAND_BITS[dtype.name]
    upper = bitwise_right_shift(random_bits(state, shape=shape, dtype=bits), width - precision)
    return multiply(cast(upper, dtype=dtype), 2.0**-precision)


def _positive_fraction(state: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    """(word + ½) · 2⁻³² in (0, 1], float64 (word + ½) · 2⁻⁶⁴: all bits, so that its logarithm has long tails."""
    bits, width = (uint64, 64) if dtype is float64 else (uint32, 32)
    return multiply(add(cast(random_bits(state, shape=shape, dtype=bits), dtype=dtype), 0.5), 2.0**-width)


def _inner_fraction(state: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    """(k + ½) · 2⁻ᵖ⁺¹ for k the upper p − 1 bits: in (0, 1), never 0 and never 1. Exact."""
    bits, width = (uint64, 64) if dtype is float64 else (uint32, 32)
    precision = SIGNIFICAND_BITS[dtype.name] - 1
    upper = bitwise_right_shift(random_bits(state, shape=shape, dtype=bits), width - precision)
    return multiply(add(cast(upper, dtype=dtype), 0.5), 2.0**-precision)


def _working(dtype: DType) -> DType:
    """The dtype to compute in before rounding to a narrow one."""
    return float64 if dtype is float64 else float32


# ---------------------------------------------------------------------- rules


def _drawn(operation: str, state: TensorMeta, shape: tuple[int, ...], dtype: DType) -> TensorMeta:
    wanted = find_dtype(dtype)
    if wanted.name not in SIGNIFICAND_BITS:
        raise DTypeError(
            f"{operation}: the dtype must be floating",
            where=f"{operation}, dtype",
            expected=", ".join(SIGNIFICAND_BITS),
            got=f"{wanted}",
        )
    return TensorMeta((*state_batch(operation, state), *as_shape(operation, shape)), wanted, state.device)


def _check_interval(
    operation: str, minimum: float, maximum: float, low_name: str = "minimum", high_name: str = "maximum"
) -> None:
    if not (minimum <= maximum):
        raise AttributeValueError(
            f"{operation}: {low_name} exceeds {high_name}, or one is NaN",
            where=f"{operation}, {low_name} and {high_name}",
            expected=f"{low_name} ≤ {high_name}",
            got=f"{minimum!r} and {maximum!r}",
        )


def _uniform_meta(
    state: TensorMeta, *, shape: tuple[int, ...], minimum: float, maximum: float, dtype: DType
) -> TensorMeta:
    _check_interval("random_uniform", minimum, maximum)
    if not (isfinite(minimum) and isfinite(maximum)):
        raise AttributeValueError(
            "random_uniform: the interval is not finite", expected="finite bounds", got=f"{minimum!r} and {maximum!r}"
        )
    return _drawn("random_uniform", state, shape, dtype)


@composite(version=1, infer=_uniform_meta)
def random_uniform(
    state: RandomState,
    /,
    *,
    shape: tuple[int, ...],
    minimum: float = 0.0,
    maximum: float = 1.0,
    dtype: DType = float32,
) -> Floating:
    """Numbers uniform in [minimum, maximum): minimum + (maximum − minimum) · u, where rounding may reach the maximum.

    state: (…, 3), uint64. Result: (…, *shape). u = k · 2⁻ᵖ for k the upper p bits of one word (float64: of two, as
    uint64) an element; p is 24 for float32, 53, 11 and 8 for float64, float16 and bfloat16.

    Raises: DTypeError for other dtypes, AttributeValueError unless minimum ≤ maximum, both finite.
    """
    fraction = _fraction(state, as_shape("random_uniform", shape), find_dtype(dtype))
    if minimum == 0.0 and maximum == 1.0:
        return fraction
    return add(multiply(fraction, float(maximum) - float(minimum)), float(minimum))


def _normal_meta(
    state: TensorMeta, *, shape: tuple[int, ...], mean: float, standard_deviation: float, dtype: DType
) -> TensorMeta:
    return _drawn("random_normal", state, shape, dtype)


@composite(version=1, infer=_normal_meta)
def random_normal(
    state: RandomState,
    /,
    *,
    shape: tuple[int, ...],
    mean: float = 0.0,
    standard_deviation: float = 1.0,
    dtype: DType = float32,
) -> Floating:
    """Normally distributed numbers: mean + standard_deviation · √(−2 ln v) cos(2π u), Box–Muller's first half.

    state: (…, 3), uint64. Result: (…, *shape). v = (w + ½) · 2⁻³² for one word w an element (float64: two words,
    2⁻⁶⁴), so that values reach 6.7 (9.4) standard deviations; u as in `random_uniform`, from the first block that v
    left untouched. float16 and bfloat16 are computed in float32 and rounded.

    Source: Box, Muller: A Note on the Generation of Random Normal Deviates (1958).
    """
    working, sizes = _working(find_dtype(dtype)), as_shape("random_normal", shape)
    radius = sqrt(multiply(log(_positive_fraction(state, sizes, working)), -2.0))
    second = random_advance(state, blocks=-(-_words(sizes, working) // 4))
    wave = cos(multiply(_fraction(second, sizes, working), 2.0 * pi))
    return _scaled(multiply(radius, wave), mean, standard_deviation, dtype)


def _scaled(standard: Any, mean: float, standard_deviation: float, dtype: DType) -> Any:
    if standard_deviation != 1.0:
        standard = multiply(standard, float(standard_deviation))
    if mean != 0.0:
        standard = add(standard, float(mean))
    return _rounded(standard, dtype)


def _rounded(x: Any, dtype: DType) -> Any:
    return x if x.dtype is find_dtype(dtype) else cast(x, dtype=dtype)


def _truncated_meta(
    state: TensorMeta,
    *,
    shape: tuple[int, ...],
    mean: float,
    standard_deviation: float,
    lower: float,
    upper: float,
    dtype: DType,
) -> TensorMeta:
    _check_interval("random_truncated_normal", lower, upper, "lower", "upper")
    low, high = _error_function_at(lower, upper)
    if low == high:
        raise AttributeValueError(
            "random_truncated_normal: the interval holds no probability that float64 can tell from none",
            where="random_truncated_normal, lower and upper",
            expected="lower < upper, within 8 standard deviations of the mean or around it",
            got=f"{lower!r} and {upper!r}",
        )
    return _drawn("random_truncated_normal", state, shape, dtype)


def _error_function_at(lower: float, upper: float) -> tuple[float, float]:
    return scalar_erf(lower / SQRT_2), scalar_erf(upper / SQRT_2)


@composite(version=1, infer=_truncated_meta)
def random_truncated_normal(
    state: RandomState,
    /,
    *,
    shape: tuple[int, ...],
    mean: float = 0.0,
    standard_deviation: float = 1.0,
    lower: float = -2.0,
    upper: float = 2.0,
    dtype: DType = float32,
) -> Floating:
    """Normally distributed numbers of which those outside of an interval are never drawn.

    state: (…, 3), uint64. Result: (…, *shape). mean + standard_deviation · z, where z = √2 erf⁻¹(a + (b − a) u) with
    a = erf(lower / √2), b = erf(upper / √2): `lower` and `upper` are in standard deviations from the mean, and may be
    infinite. u = (k + ½) · 2⁻ᵖ⁺¹ for k the upper p − 1 bits of one word (float64: two) an element, p as in
    `random_uniform`. Computed in float32, in float64 for float64 and for intervals beyond 3 standard deviations.

    Raises: DTypeError for other dtypes; AttributeValueError for an empty interval.
    """
    working = float64 if lower > 3.0 or upper < -3.0 else _working(find_dtype(dtype))
    low, high = _error_function_at(lower, upper)
    fraction = _inner_fraction(state, as_shape("random_truncated_normal", shape), working)
    almost_one = 1.0 - 2.0 ** -SIGNIFICAND_BITS[working.name]
    place = clip(add(multiply(fraction, high - low), low), -almost_one, almost_one)
    standard = clip(multiply(erfinv(place), SQRT_2), float(lower), float(upper))
    return _scaled(standard, mean, standard_deviation, dtype)


# ---------------------------------------------------------------------- one parameter, or none


def _exponential_meta(state: TensorMeta, *, shape: tuple[int, ...], dtype: DType) -> TensorMeta:
    return _drawn("random_exponential", state, shape, dtype)


@composite(version=1, infer=_exponential_meta)
def random_exponential(state: RandomState, /, *, shape: tuple[int, ...], dtype: DType = float32) -> Floating:
    """Exponentially distributed numbers of mean 1: −ln v, v as in `random_normal`.

    state: (…, 3), uint64. Result: (…, *shape). Divide by a rate to get others.
    """
    sizes = as_shape("random_exponential", shape)
    return _rounded(negative(log(_positive_fraction(state, sizes, _working(find_dtype(dtype))))), dtype)


def _gumbel_meta(state: TensorMeta, *, shape: tuple[int, ...], dtype: DType) -> TensorMeta:
    return _drawn("random_gumbel", state, shape, dtype)


@composite(version=1, infer=_gumbel_meta)
def random_gumbel(state: RandomState, /, *, shape: tuple[int, ...], dtype: DType = float32) -> Floating:
    """Numbers of the standard Gumbel distribution, exp(−exp(−x)): −ln(−ln u), u as in `random_truncated_normal`.

    state: (…, 3), uint64. Result: (…, *shape), always finite.
    """
    fraction = _inner_fraction(state, as_shape("random_gumbel", shape), _working(find_dtype(dtype)))
    return _rounded(negative(log(negative(log(fraction)))), dtype)


def _bernoulli_meta(state: TensorMeta, *, shape: tuple[int, ...], probability: float) -> TensorMeta:
    if not 0.0 <= probability <= 1.0:
        raise AttributeValueError(
            "random_bernoulli: not a probability",
            where="random_bernoulli, probability",
            expected="a number from 0 to 1",
            got=repr(probability),
        )
    return TensorMeta(
        (*state_batch("random_bernoulli", state), *as_shape("random_bernoulli", shape)), bool_, state.device
    )


@composite(version=1, infer=_bernoulli_meta)
def random_bernoulli(state: RandomState, /, *, shape: tuple[int, ...], probability: float = 0.5) -> Boolean:
    """True with a probability: where a word is less than probability · 2³², rounded to an integer. Exact.

    state: (…, 3), uint64. Result: (…, *shape). For probabilities in an array: `random_uniform(…) < probabilities`.
    """
    bits = random_bits(state, shape=as_shape("random_bernoulli", shape), dtype=uint32)
    threshold = round(probability * 2**32)
    return less(bits, threshold) if threshold < 2**32 else less_equal(bits, 2**32 - 1)
