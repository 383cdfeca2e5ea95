"""Products of matrices."""

import numpy as np

from .binding import computing


@computing
def matmul(call):
    return np.matmul
