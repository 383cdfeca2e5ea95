"""The error function and its inverse."""

from __future__ import annotations

from math import sqrt as square_root

from ..codegen.builder import Builder, Value
from .arithmetic import sqrt
from .bits import INFINITY, absolute, at_most, with_sign
from .exponential import exp_normal
from .logarithm import log
from .polynomials import polynomial
from .wider import in_double

# erf x = x + x·P(x²) on 0 ≤ x ≤ 0.9 (double: 1): 2^-30.1, 2^-56.0.
_NEAR = {
    "float": (
        *(0.12837916612625122, -0.3761262893676758, 0.11283624172210693, -0.026855560019612312, 0.00519175361841917),
        *(-0.0008039767271839082, 7.943208765937015e-05),
    ),
    "double": (
        *(0.12837916709551256, -0.37612638903183343, 0.11283791670936955, -0.026866170641960684),
        *(0.005223977596756632, -0.0008548325486404147, 0.00012055280551263678, -1.4924466935992333e-05),
        *(1.6444169573547307e-06, -1.618415926092701e-07, 1.3617520680426198e-08, -7.609514197836471e-10),
    ),
}
_NEAR_END = {"float": 0.9, "double": 1.0}
# log(1 − erf x) = Q(x) on 0.9 ≤ x ≤ 4, in double precision Q(x) − x² on 1 ≤ x ≤ 6: 2^-33.9 and 2^-57.0 of erf.
_FAR = {
    "float": (
        *(0.00016920792404562235, -1.129488468170166, -0.6334006190299988, -0.10822076350450516, 0.02508094348013401),
        *(-0.0041564092971384525, 0.0004314312245696783, -2.0832305381190963e-05),
    ),
    "double": (
        *(-5.028457355169562e-07, -1.1283740895256795, 0.3633563721794498, -0.10270344037533903),
        *(0.018990180688468215, 0.0004106251275511654, -0.0019159402783668975, 0.0007706406959369996),
        *(-0.0001350488023139971, -2.0267414721374007e-05, 2.2822786076737962e-05, -8.667247101357988e-06),
        *(2.13569589161275e-06, -3.733058741292487e-07, 4.6423225446200096e-08, -3.934285263440624e-09),
        *(2.0449745029174987e-10, -4.9286480953619e-12),
    ),
}
_IS_ONE = {"float": 4.0, "double": 6.0}


def erf(b: Builder, x: Value) -> Value:
    """The error function: an odd polynomial near 0, else 1 − exp(Q(|x|))."""
    magnitude = at_most(b, absolute(b, x), _IS_ONE[x.element])
    square = b.mul(magnitude, magnitude)
    near = b.fma(magnitude, polynomial(b, square, _NEAR[x.element]), magnitude)
    exponent = polynomial(b, magnitude, _FAR[x.element])
    if x.element == "double":
        exponent = b.fma(magnitude, b.neg(magnitude), exponent)
    far = b.sub(b.constant(x.type, 1.0), exp_normal(b, exponent))
    is_near = b.compare("ult", magnitude, b.constant(x.type, _NEAR_END[x.element]))  # NaN too: there it stays NaN
    return with_sign(b, b.select(is_near, near, far), x)


# M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988) 477-484, routine PPND16; lowest power first.
_CENTRAL = (
    (
        *(3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4),
        *(4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    ),
    (
        *(1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4),
        *(3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
    ),
)
_TAIL = (
    (
        *(1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0),
        *(1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    ),
    (
        *(1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1),
        *(1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
    ),
)
_FAR_TAIL = (
    (
        *(6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1),
        *(2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    ),
    (
        *(1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2),
        *(7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
    ),
)


@in_double
def erfinv(b: Builder, x: Value) -> Value:
    """The number of which the error function is x: the normal quantile of (1 + x) / 2, over √2."""

    def number(value: float) -> Value:
        return b.constant(x.type, value)

    offset = b.mul(x, number(0.5))  # the probability less ½
    magnitude = absolute(b, offset)
    is_central = b.compare("ole", magnitude, number(0.425))
    central = b.mul(offset, _ratio(b, b.sub(number(0.180625), b.mul(offset, offset)), _CENTRAL))
    tail_probability = b.sub(number(0.5), magnitude)  # beyond ±1 negative, and its logarithm NaN
    depth = sqrt(b, b.neg(log(b, tail_probability)))
    is_far = b.compare("ogt", depth, number(5.0))
    tail = b.select(
        is_far, _ratio(b, b.sub(depth, number(5.0)), _FAR_TAIL), _ratio(b, b.sub(depth, number(1.6)), _TAIL)
    )
    tail = b.select(b.compare("oeq", tail_probability, number(0.0)), number(INFINITY), tail)
    quantile = b.select(is_central, central, with_sign(b, tail, x))
    return b.mul(quantile, number(square_root(0.5)))


def _ratio(b: Builder, x: Value, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Value:
    numerator, denominator = coefficients
    return b.fdiv(polynomial(b, x, numerator), polynomial(b, x, denominator))
