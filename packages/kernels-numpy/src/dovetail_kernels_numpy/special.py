"""The error function and its inverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .precision import widened

# W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969) 631-637, tables I to III
# as in his program CALERF; highest power first.
_NEAR = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1),
        *(2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3),
        1.23033935479799725e3,
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
        *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
    ),
)
_FAR = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
        *(1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2),
        2.33520497626869185e-3,
    ),
)
# Cody changes over at 0.46875. Up to 0.5 the first form is the more accurate one here: measured 2.7 and 1.8 units in
# the last place below and above 0.48, the second 3.5 and 2.3, where NumPy's exp is that of AVX-512.
_NEAR_END, _MIDDLE_END = 0.5, 4.0

# For float32: minimax fits (Lawson's algorithm) of erf(x) / x − 1 in x² on [0, 1], and of (log erfc(t) + t) / t in t on
# [1, 4], weighted so that the relative error of erf is even; rounded to float32.
_NEAR_FLOAT32 = (
    *(7.85386583e-5, -8.01019778e-4, 5.18832868e-3, -2.68538129e-2, 1.12835854e-1, -3.7612626e-1),
    1.28379166e-1,
)
_FAR_FLOAT32 = (
    *(-1.39616086e-5, 3.50583461e-4, -3.75744118e-3, 2.40099914e-2, -1.06530771e-1, -6.34969592e-1),
    -1.28694326e-1,
)
_NEAR_END_FLOAT32 = 1.0

BLOCK = 1 << 15
"""Elements computed at a time."""

_INVERSE_SQRT_PI = 5.6418958354775628695e-1


@kernel(ops.erf, binding="per_dtype")
def erf(call: CallMeta) -> Any:
    return widened(call, error_function)


def error_function(x: Any) -> Any:
    """erf(x) of a float32 or float64 array, block by block, so that temporaries stay in the cache."""
    compute = _erf_float32 if x.dtype == np.float32 else _erf_float64
    flat = np.ravel(x)
    result = np.empty_like(flat)
    for start in range(0, flat.size, BLOCK):
        result[start : start + BLOCK] = compute(flat[start : start + BLOCK])
    return result.reshape(x.shape)


def _erf_float32(x: Any) -> Any:
    """Within 1.2 units in the last place: x + x·P(x²) near 0, beyond 1 − exp(t·Q(t) − t) with t = |x|."""
    magnitude = np.minimum(np.abs(x), np.float32(4.0))  # from there on the result rounds to 1
    near = _polynomial(_NEAR_FLOAT32, magnitude * magnitude)
    near *= magnitude
    near += magnitude
    far = _polynomial(_FAR_FLOAT32, magnitude)
    far *= magnitude
    far -= magnitude
    np.subtract(1.0, np.exp(far, out=far), out=far)
    # A sum of products with 0 and 1 chooses as np.where does, several times faster.
    is_near = (magnitude <= np.float32(_NEAR_END_FLOAT32)).astype(np.float32)
    near *= is_near
    far *= 1.0 - is_near
    far += near
    return np.copysign(far, x, out=far)


def _erf_float64(x: Any) -> Any:
    magnitude = np.abs(x)
    result = np.ones_like(x)
    near = magnitude <= _NEAR_END
    result[near] = _near(magnitude[near])
    middle = ~near & (magnitude <= _MIDDLE_END)
    result[middle] = _middle(magnitude[middle])
    far = (magnitude > _MIDDLE_END) & (magnitude < 6.0)  # from 6 on the result rounds to 1
    result[far] = _far(magnitude[far])
    result[np.isnan(x)] = np.nan
    return np.copysign(result, x)


def _near(x: Any) -> Any:
    return x * _ratio(_NEAR, x * x)


def _middle(x: Any) -> Any:
    return 1.0 - _exp_of_negative_square(x) * _ratio(_MIDDLE, x)


def _far(x: Any) -> Any:
    inverse_square = 1.0 / (x * x)
    tail = (_INVERSE_SQRT_PI - inverse_square * _ratio(_FAR, inverse_square)) / x
    return 1.0 - _exp_of_negative_square(x) * tail


def _exp_of_negative_square(x: Any) -> Any:
    """exp(−x²), in two factors: the first exponent is exact, and the second small, so that the rounding of x² has no
    effect. Source: Cody's program, as above."""
    coarse = np.trunc(x * 16.0) / 16.0
    return np.exp(-coarse * coarse) * np.exp(-(x - coarse) * (x + coarse))


def _ratio(coefficients: Any, x: Any) -> Any:
    """The quotient of two polynomials."""
    numerator, denominator = coefficients
    result = _polynomial(numerator, x)
    result /= _polynomial(denominator, x)
    return result


def _polynomial(coefficients: Any, x: Any) -> Any:
    """A polynomial by Horner's rule; highest power first."""
    result = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        result *= x
        result += coefficient
    return result


# M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988) 477-484, routine PPND16; highest power first.
_CENTRAL = (
    (
        *(2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4),
        *(1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    ),
    (
        *(5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4),
        *(5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
    ),
)
_TAIL = (
    (
        *(7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0),
        *(3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    ),
    (
        *(1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1),
        *(6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
    ),
)
_FAR_TAIL = (
    (
        *(2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2),
        *(2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    ),
    (
        *(2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4),
        *(1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
    ),
)


@kernel(ops.erfinv, binding="per_dtype")
def erfinv(call: CallMeta) -> Any:
    return widened(call, inverse_error_function)


def inverse_error_function(y: Any) -> Any:
    """The x with erf(x) = y of a float32 or float64 array: the normal quantile of (1 + y) / 2, over √2, in float64."""
    wide = np.asarray(y, dtype=np.float64)
    offset = 0.5 * wide  # the probability less ½
    central = np.abs(offset) <= 0.425
    quantile = offset * _ratio(_CENTRAL, 0.180625 - np.where(central, offset * offset, 0.0))
    tail_probability = np.where(central, 0.25, 0.5 - np.abs(offset))  # of NaN and beyond ±1: NaN below
    depth = np.sqrt(-np.log(tail_probability))
    tail = np.where(depth <= 5.0, _ratio(_TAIL, depth - 1.6), _ratio(_FAR_TAIL, depth - 5.0))
    tail = np.where(tail_probability == 0, np.inf, tail)
    return (np.where(central, quantile, np.copysign(tail, wide)) * np.sqrt(0.5)).astype(y.dtype)
