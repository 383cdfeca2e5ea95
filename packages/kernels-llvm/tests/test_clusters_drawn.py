"""Clusters that Hypothesis draws, of every dtype, also cut into many small tasks."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import VARIABLE
from dovetail_kernels_llvm.kernels.cluster import COLUMN, FULL, ONE, ROW
from dovetail_kernels_llvm.kernels.clusters import column_sums, normal, passes, plan, stages, writer

from .cluster_oracle import Making, drawn_strides, made_clusters

TOLERANCES = {"float64": 1e-12, "float32": 3e-5, "bfloat16": 1e-2, "float16": 2e-3}
"""Errors relative to the numbers that go into a result: half precision is rounded once, when it is stored."""

EXAMPLES = 6 if VARIABLE in os.environ else 20
"""Fewer on the lesser instruction sets, each of which these tests run on again (test_clusters.py)."""

few = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@given(made_clusters("float32"))
@few
def test_any_cluster(making: Making) -> None:
    with np.errstate(all="ignore"):
        making.check(tolerance=TOLERANCES["float32"])


@pytest.fixture(params=["held", "looping"])
def small_tasks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lowers all limits, so that little work is cut as much work is."""
    monkeypatch.setattr(plan, "SMALL_NANOSECONDS", 0)
    monkeypatch.setattr(plan, "TASK_NANOSECONDS", 150)
    monkeypatch.setattr(plan, "LEAST_COLUMNS", 16)
    monkeypatch.setattr(plan, "REACHED_ROWS", 4)
    monkeypatch.setattr(plan, "STREAMED_BYTES", 256)
    monkeypatch.setattr(plan, "HELD_VECTORS", 8 if request.param == "held" else 0)
    monkeypatch.setattr(normal, "CACHED_BYTES", 1024)
    monkeypatch.setattr(passes, "BLOCK_COLUMNS", 512)
    for module in (plan, stages):
        monkeypatch.setattr(module, "LONG_COLUMNS", 64)
    for module in (writer, column_sums):
        monkeypatch.setattr(module, "BLOCK_ROWS", 8)


@pytest.mark.usefixtures("small_tasks")
@given(made_clusters("float32"))
@few
def test_any_cluster_in_many_tasks(making: Making) -> None:
    with np.errstate(all="ignore"):
        making.check(tolerance=TOLERANCES["float32"])


@given(
    st.sampled_from(
        ["float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"]
    ).flatmap(lambda dtype: st.tuples(st.just(dtype), made_clusters(dtype)))
)
@settings(few, max_examples=2 * EXAMPLES)
def test_any_dtype(drawn: tuple[str, Making]) -> None:
    dtype, making = drawn
    with np.errstate(all="ignore"):
        making.check(tolerance=TOLERANCES.get(dtype, 0.0))


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "bfloat16", "int8", "uint16", "int32", "uint64", "bool"]
)
@pytest.mark.parametrize("space", [ROW, COLUMN, ONE])
def test_each_dtype_is_reduced(dtype: str, space: str) -> None:
    making = Making((37,), 45)
    x = making.load(FULL, dtype)
    for operation in ("any", "all") if dtype == "bool" else ("sum", "max", "min"):
        making.store(making.reduce(operation, x, space))
    making.check(tolerance=TOLERANCES.get(dtype, 0.0))


@given(st.data())
@few
def test_any_places_of_elements(data: Any) -> None:
    rows = tuple(data.draw(st.lists(st.integers(1, 6), max_size=3)))
    making = Making(rows, data.draw(st.integers(1, 40)))
    shape = making.shape(FULL)
    index = making.index(data.draw(st.integers(0, len(rows))), FULL)
    load = making.load(FULL, "int64", drawn_strides(data.draw, shape, broadcast=True))
    making.store(making.apply("add", index, load), drawn_strides(data.draw, shape, broadcast=False))
    making.store(making.reduce("max", making.apply("subtract", load, index), ROW))
    making.check()
