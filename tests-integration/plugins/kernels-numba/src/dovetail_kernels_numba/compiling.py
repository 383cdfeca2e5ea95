"""Loops compiled once per dtype, by explicit signatures, so that no call compiles anything."""

from functools import cache
from threading import Lock

import numba
import numpy as np

_lock = Lock()
# Without reordering, a sum is one chain of additions that can't be vectorized. NaN and infinities keep their meaning.
FASTMATH = {"reassoc", "contract"}


@cache
def _ufunc(function, name):
    return numba.vectorize([f"{name}({name})"])(function)


def ufunc(function, dtype):
    """A function of one number as a NumPy ufunc of one dtype: it takes any strides, alignment, and `out`."""
    with _lock:
        return _ufunc(function, dtype.name)


@cache
def _loop(function, name, kinds):
    scalar = getattr(numba.types, name)
    arguments = []
    for kind in kinds:
        if kind in ("number", "index"):
            arguments.append(scalar if kind == "number" else numba.types.intp)
        else:
            layout, axes, access = kind
            arguments.append(numba.types.Array(scalar, int(axes), layout, readonly=access == "r"))
    signature = numba.void(*arguments)
    return numba.njit([signature], nogil=True, error_model="numpy", fastmath=FASTMATH)(function)


def loop(function, dtype, *kinds):
    """A function that writes into one of its arguments, compiled for one dtype.

    `kinds` says what each argument is: a "number" of that dtype, an "index", or an array's layout, number of axes and
    access: "C3w" is C-contiguous with three axes and written, "A3r" has any strides and is only read.
    """
    with _lock:
        return _loop(function, dtype.name, kinds)


def aligned(array):
    """The array itself, or a copy where its address isn't a multiple of its elements' alignment: compiled loops
    presume that."""
    return array if array.flags.aligned else array.copy()


class Writing:
    """A kernel of one result, made of `fill(target, *inputs)`; `result_shape(*inputs)` is the shape of the target."""

    def __init__(self, fill, result_shape, dtype):
        self.fill, self.result_shape, self.dtype = fill, result_shape, np.dtype(dtype.name)

    def __call__(self, *inputs):
        target = np.empty(self.result_shape(*inputs), self.dtype)
        self.fill(target, *inputs)
        return target

    def into(self, outputs, inputs):
        self.fill(outputs[0], *inputs)
