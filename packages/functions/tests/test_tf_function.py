"""checklists.md, Core APIs, *tf.function*: one test for each line, named for it."""

from __future__ import annotations

from typing import Any

import numpy as np

import dovetail_tensors as dt
from dovetail_functions import Function, function


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    return dt.constant(np.ones(shape, dtype))


def counting(body: Any = lambda *args, **kwargs: args[0], **options: Any) -> tuple[Function, list[Any]]:
    """A function, and the list that gets an entry at each of its traces."""
    traces: list[Any] = []

    def traced(*args: Any, **kwargs: Any) -> Any:
        traces.append((args, kwargs))
        return body(*args, **kwargs)

    return function(traced, **options) if not options else function(**options)(traced), traces


def test_traces_once_per_dtype_and_shape_and_reuses_afterwards() -> None:
    double, traces = counting(lambda x: x * 2)
    for array in (ones(2), ones(2), ones(3), ones(2), ones(2, 2), ones(2, dtype=np.int32), ones(3)):
        result = double(array)
        assert result.shape == array.shape
        assert result.dtype is array.dtype
        np.testing.assert_array_equal(result.numpy(), 2 * array.numpy())
    assert len(traces) == double.tracing_count == 4


def test_python_primitives_trace_per_value() -> None:
    power, traces = counting(lambda x, times: x * times)
    for times, seen in ((2, 1), (2, 1), (3, 2), (3.0, 3), (True, 4), (2, 4)):
        power(ones(2), times)
        assert len(traces) == seen


def test_dicts_ignore_the_order_of_keys() -> None:
    add, traces = counting(lambda pair: pair["a"] + pair["b"])
    add({"a": ones(2), "b": ones(2)})
    add({"b": ones(2), "a": ones(2)})
    assert len(traces) == 1
