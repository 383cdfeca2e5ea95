"""Functions of one number, compiled as NumPy ufuncs: NumPy walks over strides and alignments."""

import math
from functools import cache

import numpy as np

from .compiling import ufunc


class Elementwise:
    """A kernel that is a ufunc of one operand."""

    def __init__(self, function):
        self.function = function

    def __call__(self, x):
        return self.function(x)

    def into(self, outputs, inputs):
        self.function(inputs[0], out=outputs[0])


def sigmoid(call):
    """1 / (1 + e⁻ˣ), as eˣ / (1 + eˣ) for negative x, so that nothing overflows."""
    dtype = call.results[0].dtype
    return Elementwise(ufunc(_sigmoid(dtype.name), dtype))


def gelu(call):
    """x · Φ(x), Φ by erf or by tanh."""
    dtype = call.results[0].dtype
    made = _gelu_by_tanh if call.attributes["approximate"] else _gelu_by_erf
    return Elementwise(ufunc(made(dtype.name), dtype))


# Constants of the operand's own dtype: beside a Python float, float32 would be computed as float64.


@cache
def _sigmoid(name):
    one = np.dtype(name).type(1)

    def function(x):
        power = math.exp(-abs(x))
        return (one if x >= 0 else power) / (one + power)

    return function


@cache
def _gelu_by_erf(name):
    number = np.dtype(name).type
    half, one, root = number(0.5), number(1), number(math.sqrt(0.5))

    def function(x):
        return x * half * (one + math.erf(x * root))

    return function


@cache
def _gelu_by_tanh(name):
    number = np.dtype(name).type
    half, one, factor, cubic = number(0.5), number(1), number(math.sqrt(2 / math.pi)), number(0.044715)

    def function(x):
        return x * half * (one + math.tanh((x + x * x * x * cubic) * factor))

    return function
