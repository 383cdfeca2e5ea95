"""Max pooling beside a loop that says the standard's rule: the first of equals, nothing after a NaN."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from dovetail_protocols import operations as ops

Run = Callable[..., Any]
GRIDS = [
    ((2, 6, 4, 3), (2, 2), (2, 2)),  # side by side
    ((2, 6, 4, 3), (3, 2), (3, 2)),
    ((3, 8, 2), (4,), (4,)),
    ((1, 4, 4, 6, 2), (2, 2, 3), (2, 2, 3)),
    ((2, 4, 4, 1), (1, 1), (1, 1)),
    ((2, 4, 4, 1), (4, 4), (4, 4)),
    ((2, 5, 4, 1), (2, 2), (2, 2)),  # the last row is in no window
    ((2, 5, 5, 2), (3, 3), (2, 2)),  # overlapping
    ((2, 6, 6, 2), (2, 2), (3, 3)),  # with gaps
]


def pooled(x: Any, cotangent: Any, window: Any, strides: Any) -> tuple[Any, Any]:
    """The maxima, and the gradient that `cotangent` gives."""
    maxima, gradient = np.empty_like(cotangent), np.zeros_like(x)
    for place in np.ndindex(cotangent.shape):
        batch, *at, channel = place
        chosen = best = None
        for inside in product(*map(range, window)):
            spatial = (start * step + offset for start, step, offset in zip(at, strides, inside, strict=True))
            here = (batch, *spatial, channel)
            if best is None or x[here] > best:
                chosen, best = here, x[here]
            elif np.isnan(x[here]):
                best = x[here]
        maxima[place] = best
        gradient[chosen] += cotangent[place]
    return maxima, gradient


@pytest.mark.parametrize("special", [False, True], ids=["ties", "NaN and infinities"])
@pytest.mark.parametrize(("shape", "window", "strides"), GRIDS, ids=str)
def test_max_pooling_and_its_gradient_follow_the_rule(
    run: Run, shape: Any, window: Any, strides: Any, special: bool
) -> None:
    generator = np.random.default_rng(7)
    x = generator.integers(-2, 3, shape).astype(np.float32)
    if special:
        x[generator.uniform(size=shape) < 0.2] = np.nan
        x[generator.uniform(size=shape) < 0.2] = -np.inf
    sizes = [(size - w) // step + 1 for size, w, step in zip(shape[1:-1], window, strides, strict=True)]
    cotangent = generator.integers(1, 9, (shape[0], *sizes, shape[-1])).astype(np.float32)
    maxima, gradient = pooled(x, cotangent, window, strides)
    given = {"window": window, "strides": strides}
    np.testing.assert_array_equal(run(ops.max_pool, x, **given), maxima)
    np.testing.assert_array_equal(run(ops.max_pool_gradient, cotangent, x, **given), gradient)
