"""What several tests use: arrays of ones, and functions that count their traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dovetail_tensors as dt
import numpy as np
from dovetail_functions import Function, function


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    """A tensor of ones."""
    return dt.constant(np.ones(shape, dtype))


def counting(body: Callable[..., Any], **options: Any) -> tuple[Function, list[Any]]:
    """A function, and the list that gets an entry at each of its traces."""
    traces: list[Any] = []

    def traced(*args: Any, **kwargs: Any) -> Any:
        traces.append((args, kwargs))
        return body(*args, **kwargs)

    return function(**options)(traced), traces
