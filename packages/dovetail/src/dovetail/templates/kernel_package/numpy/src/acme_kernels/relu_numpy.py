"""relu in NumPy."""

import numpy as np


class Relu:
    """maximum(x, 0), for any shape and strides; NaN stays NaN."""

    def __call__(self, x):
        return np.maximum(x, 0)

    def into(self, outputs, inputs):
        """Writes into a buffer that was allocated before. Optional, for those who plan their memory."""
        (result,), (x,) = outputs, inputs
        np.maximum(x, 0, out=result)


def relu(call):
    """The kernel for a call, or `Unsupported(reason)`; looks at metas and attributes, never at data."""
    return Relu()
