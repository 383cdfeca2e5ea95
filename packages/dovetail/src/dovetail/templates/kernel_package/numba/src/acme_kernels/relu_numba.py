"""relu in Numba: compiled for the machine at the first call in each dtype, then kept on disk."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def write_relu(x, result):
    for i in range(x.size):
        result[i] = 0 if x[i] < 0 else x[i]  # NaN, which is not less than 0, stays NaN


class Relu:
    """maximum(x, 0), for C-contiguous x of any shape."""

    def __call__(self, x):
        result = np.empty(x.shape, x.dtype)
        self.into((result,), (x,))
        return result

    def into(self, outputs, inputs):
        """Writes into a buffer that was allocated before. Optional; compiled graphs use it."""
        (result,), (x,) = outputs, inputs
        write_relu(x.reshape(-1), result.reshape(-1))  # views, as both are contiguous


def relu(call):
    """The kernel for a call, or `Unsupported(reason)`; looks at metas and attributes, never at data."""
    return Relu()
