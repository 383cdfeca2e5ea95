"""Casts on request: between floats, from integers to floats, and between integers that fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import restore, save
from dovetail_checkpointing.casting import may_cast
from dovetail_protocols.errors import CheckpointMismatchError


@pytest.mark.parametrize(
    ("source", "target", "values"),
    [
        (np.float64, np.float32, [0.1, 2.0]),
        (np.float32, np.float64, [0.1, 2.0]),
        (np.int64, np.float32, [1, -3]),
        (np.int64, np.int8, [127, -128]),
        (np.float32, np.complex64, [0.5, 1.0]),
    ],
)
def test_a_value_is_cast_only_on_request(tmp_path: Path, source: Any, target: Any, values: Any, variable: Any) -> None:
    save(tmp_path / "c", {"x": variable(np.array(values, source))})
    cell = variable(np.zeros(2, target))
    with pytest.raises(CheckpointMismatchError, match=f"{np.dtype(source)}.*the target {np.dtype(target)}"):
        restore(tmp_path / "c", {"x": cell})
    restore(tmp_path / "c", {"x": cell}, cast="allow")
    assert cell.payload.dtype == target
    np.testing.assert_array_equal(cell.payload, np.array(values, source).astype(target))


def test_bfloat16_is_a_float(tmp_path: Path, variable: Any) -> None:
    import ml_dtypes

    save(tmp_path / "c", {"x": np.array([0.5, 3.0], np.float32)})
    cell = variable(np.zeros(2, ml_dtypes.bfloat16))
    restore(tmp_path / "c", {"x": cell}, cast="allow")
    assert cell.payload.tolist() == [0.5, 3.0]


@pytest.mark.parametrize(("source", "target"), [("float32", "int32"), ("complex64", "float32"), ("int8", "bool")])
def test_what_would_lose_more_than_digits_is_never_cast(source: str, target: str) -> None:
    assert not may_cast(source, target)


def test_integers_that_do_not_fit_are_refused_and_nothing_is_changed(tmp_path: Path, variable: Any) -> None:
    save(tmp_path / "c", {"a": np.ones(2), "b": np.array([1, 300])})
    first, second = variable(np.zeros(2)), variable(np.zeros(2, np.int8))
    with pytest.raises(CheckpointMismatchError, match="b") as caught:
        restore(tmp_path / "c", {"a": first, "b": second}, cast="allow")
    assert "1 to 300" in str(caught.value)
    assert not first.payload.any()
