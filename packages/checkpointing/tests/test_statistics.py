"""Statistics and histograms of tensors in checkpoints, against NumPy's."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import dovetail_checkpointing as checkpointing
from dovetail_checkpointing import save, sources
from dovetail_checkpointing.sources import CheckpointSource
from dovetail_checkpointing.statistics import Histogram, Statistics, histogram, statistics, union_range


def statistics_of(folder: Path, values: Any) -> Statistics:
    save(folder / "c", {"x": np.asarray(values)}, overwrite=True)
    with checkpointing.open(folder / "c") as reader:
        return statistics(CheckpointSource(reader), ("x",))


def histogram_of(folder: Path, values: Any, low: float, high: float, bins: int) -> Histogram:
    save(folder / "c", {"x": np.asarray(values)}, overwrite=True)
    with checkpointing.open(folder / "c") as reader:
        return histogram(CheckpointSource(reader), ("x",), low, high, bins)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float8_e5m2", "int64", "uint8", "bool"])
def test_agree_with_numpy(tmp_path: Path, dtype: str) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    values = (np.random.default_rng(1).normal(size=(61, 33)) * 20).clip(0 if dtype == "uint8" else -99, 99).astype(kind)
    wide = values.astype(np.float64)
    found = statistics_of(tmp_path, values)
    assert (found.elements, found.nans, found.infinities) == (values.size, 0, 0)
    assert found.zeros == (wide == 0).sum()
    assert (found.minimum, found.maximum) == (wide.min(), wide.max())
    assert found.mean == pytest.approx(wide.mean(), rel=1e-12, abs=1e-12)
    assert found.deviation == pytest.approx(wide.std(), rel=1e-12)


def test_parts_give_what_the_whole_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).normal(3.0, 2.0, size=(7, 1000))
    whole = statistics_of(tmp_path, values)
    monkeypatch.setattr(sources, "BLOCK_BYTES", 4096)
    parts = statistics_of(tmp_path, values)
    assert (parts.elements, parts.minimum, parts.maximum) == (whole.elements, whole.minimum, whole.maximum)
    assert parts.mean == pytest.approx(whole.mean, rel=1e-13)
    assert parts.deviation == pytest.approx(whole.deviation, rel=1e-13)
    counted = histogram_of(tmp_path, values, -5.0, 11.0, 16)
    assert counted.counts == tuple(np.histogram(values, 16, (-5.0, 11.0))[0])


def test_what_is_no_number_is_counted_apart(tmp_path: Path) -> None:
    found = statistics_of(tmp_path, [1.0, np.nan, np.inf, -np.inf, -np.inf, 3.0, 0.0, -0.0])
    assert (found.nans, found.infinities, found.negative_infinities, found.zeros, found.finite) == (1, 3, 2, 2, 4)
    assert (found.minimum, found.maximum, found.mean) == (0.0, 3.0, 1.0)


@pytest.mark.parametrize("values", [np.zeros((0, 4)), np.full(3, np.nan)])
def test_without_finite_elements_there_are_no_moments(tmp_path: Path, values: Any) -> None:
    found = statistics_of(tmp_path, values)
    assert (found.elements, found.finite) == (values.size, 0)
    assert all(map(isnan, (found.minimum, found.maximum, found.mean, found.deviation)))
    assert union_range(found) is None
    assert histogram_of(tmp_path, values, 0.0, 1.0, 4).counts == (0, 0, 0, 0)


def test_of_complex_numbers_absolute_values_count(tmp_path: Path) -> None:
    found = statistics_of(tmp_path, [3 + 4j, 0])
    assert (found.minimum, found.maximum, found.mean) == (0.0, 5.0, 2.5)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e200, 1e307])
def test_squares_neither_overflow_nor_vanish(tmp_path: Path, scale: float) -> None:
    found = statistics_of(tmp_path, np.array([1.0, 3.0, 5.0]) * scale)
    assert found.mean == pytest.approx(3.0 * scale, rel=1e-3)
    assert found.deviation == pytest.approx(np.std([1.0, 3.0, 5.0]) * scale, rel=1e-3)


def test_bins_span_the_whole_range_of_floats(tmp_path: Path) -> None:
    largest = np.finfo(np.float64).max
    found = histogram_of(tmp_path, [-largest, 0.0, largest, np.nan, np.inf], -largest, largest, 4)
    assert found.counts == (1, 0, 1, 1)
    assert histogram_of(tmp_path, [7.0, 7.0, 8.0], 7.0, 7.0, 5).counts == (0, 0, 2, 0, 0)
