"""Sums and the like, over some axes or all."""

import numpy as np

from .binding import computing


@computing
def sum(call):
    axis, keepdims = call.attributes["axis"], call.attributes["keepdims"]
    return lambda x: np.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


@computing
def max(call):
    axis, keepdims = call.attributes["axis"], call.attributes["keepdims"]
    return lambda x: np.max(x, axis=axis, keepdims=keepdims)


@computing
def argmax(call):
    axis, keepdims = call.attributes["axis"], call.attributes["keepdims"]
    return lambda x: np.argmax(x, axis=axis, keepdims=keepdims)
