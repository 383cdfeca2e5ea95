"""Two checkpoints compared: what only one has, what changed and by how much, in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import dovetail_checkpointing as checkpointing
from dovetail_checkpointing import ABSENT, Comparison, compare, save, sources
from dovetail_protocols.errors import CheckpointCorruptError


def compared(folder: Path, first: Any, second: Any, **options: Any) -> Comparison:
    for name, tree in (("first", first), ("second", second)):
        save(folder / name, tree, overwrite=True)
    with checkpointing.open(folder / "first") as one, checkpointing.open(folder / "second") as other:
        return compare(one, other, **options)


def values_of(folder: Path, first: Any, second: Any) -> Any:
    (difference,) = compared(folder, {"x": np.asarray(first)}, {"x": np.asarray(second)}).changed
    return difference.values


def test_the_same_tree_is_the_same(tmp_path: Path) -> None:
    tree = {"a": np.arange(4.0), "n": float("nan"), "l": [np.array([np.nan])]}
    found = compared(tmp_path, tree, tree)
    assert found.is_same
    assert (found.tensors, found.same) == ((), 2)


def test_each_kind_of_difference_is_told(tmp_path: Path) -> None:
    shared = np.ones(3)
    first = {"only": np.ones(1), "shape": np.ones(2), "dtype": np.ones(2), "value": np.ones(2), "same": np.ones(2)}
    second = {
        "new": np.ones(1),
        "shape": np.ones(3),
        "dtype": np.ones(2, np.float32),
        "value": np.array([1.0, 1.5]),
        "same": np.ones(2),
    }
    found = compared(
        tmp_path,
        {**first, "n": 1, "gone": "x", "tied": [shared, shared]},
        {**second, "n": True, "tied": [shared, np.ones(3)]},
    )
    assert [one.path for one in found.only_first] == [("only",)]
    assert [one.path for one in found.only_second] == [("new",)]
    assert sorted(one.path for one in found.redescribed) == [("dtype",), ("shape",)]
    assert [one.path for one in found.changed] == [("value",)]
    assert found.scalars == {("n",): (1, True), ("gone",): ("x", ABSENT)}
    assert found.aliases == {("tied", 1): (("tied", 0), ABSENT)}
    assert found.same == 3  # `same`, and both of `tied`, whose values are the same
    assert not found.is_same


def test_what_is_tied_on_both_sides_is_told_once(tmp_path: Path) -> None:
    first, second = np.ones(3), np.zeros(3)
    found = compared(tmp_path, {"a": first, "b": first}, {"a": second, "b": second})
    assert [one.path for one in found.tensors] == [("a",)]
    assert not found.aliases


def test_step_and_metrics_are_compared(tmp_path: Path) -> None:
    save(tmp_path / "a", {}, step=1, metrics={"loss": 0.5, "f1": 1.0})
    save(tmp_path / "b", {}, step=2, metrics={"loss": 0.25})
    with checkpointing.open(tmp_path / "a") as one, checkpointing.open(tmp_path / "b") as other:
        found = compare(one, other)
    assert found.step == (1, 2)
    assert found.metrics == {"loss": (0.5, 0.25), "f1": (1.0, ABSENT)}
    assert not found.is_same


def test_a_list_is_not_a_dict_of_numbers(tmp_path: Path) -> None:
    found = compared(tmp_path, {"l": [np.ones(1)]}, {"l": {0: np.ones(1)}})
    assert found.containers == {("l",): ("list", ABSENT)}
    assert not found.tensors


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_distances_are_those_of_floats(tmp_path: Path, dtype: str) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    found = values_of(tmp_path, np.array([1.0, 2.0, -4.0, 0.0], kind), np.array([1.0, 1.0, -2.0, 0.0], kind))
    assert (found.elements, found.changed, found.nans) == (4, 2, (0, 0))
    assert (found.max_absolute, found.max_relative, found.mean_absolute) == (2.0, 0.5, 0.75)


def test_distances_of_integers_are_exact_across_the_whole_range(tmp_path: Path) -> None:
    limits = np.iinfo(np.int64)
    found = values_of(tmp_path, np.array([limits.min, 5]), np.array([limits.max, 5]))
    assert (found.changed, found.max_absolute, found.mean_absolute) == (1, 2.0**64, 2.0**63)
    found = values_of(tmp_path, np.array([0, 3], np.uint8), np.array([255, 3], np.uint8))
    assert (found.max_absolute, found.max_relative) == (255.0, 1.0)


def test_bools_and_complex_numbers_are_compared(tmp_path: Path) -> None:
    found = values_of(tmp_path, [True, False, True, True], [True, True, True, True])
    assert (found.changed, found.max_absolute, found.mean_absolute) == (1, 1.0, 0.25)
    for dtype in (np.complex64, np.complex128):
        found = values_of(tmp_path, np.array([3 + 4j, 1], dtype), np.array([0, 1], dtype))
        assert (found.changed, found.max_absolute, found.max_relative) == (1, 5.0, 1.0)


def test_bits_decide_what_changed(tmp_path: Path) -> None:
    found = values_of(tmp_path, np.array([0.0, np.nan, 1.0]), np.array([-0.0, np.nan, 1.0]))
    assert (found.changed, found.max_absolute, found.max_relative) == (1, 0.0, 0.0)
    assert found.nans == (1, 1)


def test_what_is_no_number_is_counted_and_takes_no_part_in_distances(tmp_path: Path) -> None:
    first = np.array([1.0, 2.0, np.inf, np.nan, 8.0])
    second = np.array([np.nan, np.inf, -np.inf, np.nan, 4.0])
    found = values_of(tmp_path, first, second)
    assert (found.changed, found.became_nonfinite, found.nans) == (4, 2, (1, 2))
    assert (found.max_absolute, found.max_relative) == (4.0, 0.5)
    assert found.mean_absolute == 2.0  # of 8 - 4, and of the NaN that stayed the same


def test_agrees_with_numpy_on_random_values(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    first = random.normal(size=(100, 57)).astype(np.float32)
    second = np.where(random.random(first.shape) < 0.3, first + random.normal(size=first.shape), first)
    second = second.astype(np.float32)
    found = values_of(tmp_path, first, second)
    distance = np.abs(first.astype(float) - second)
    assert found.changed == (first != second).sum()
    assert found.max_absolute == distance.max()
    assert found.mean_absolute == pytest.approx(distance.mean(), rel=1e-12)
    assert found.max_relative == (distance / np.maximum(np.abs(first).astype(float), np.abs(second))).max()


def test_without_values_only_descriptions_are_compared(tmp_path: Path) -> None:
    found = compared(tmp_path, {"x": np.ones(2), "y": np.ones(2)}, {"x": np.zeros(2), "y": np.ones(3)}, values=False)
    assert [one.path for one in found.tensors] == [("y",)]
    assert (found.same, found.compares_values) == (1, False)


def test_differences_are_told_in_the_order_of_the_first_tree(tmp_path: Path) -> None:
    first = {"narrow": np.zeros(2, np.int8), "wide": np.zeros(2), "middle": np.zeros(2, np.int32)}
    found = compared(tmp_path, first, {name: value + 1 for name, value in first.items()})
    assert [one.path for one in found.changed] == [("narrow",), ("wide",), ("middle",)]


def test_paths_that_read_alike_are_told_apart(tmp_path: Path) -> None:
    found = compared(
        tmp_path, {"a/b": np.ones(1), "a": {"b": np.zeros(1)}}, {"a/b": np.ones(1), "a": {"b": np.ones(1)}}
    )
    assert [one.path for one in found.changed] == [("a", "b")]


def test_large_tensors_are_compared_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BLOCK_BYTES", 1 << 20)
    first = np.zeros((3, 1 << 21), np.uint8)
    second = first.copy()
    second[2, -1], second[0, 5] = 7, 1
    told: list[tuple[int, int]] = []
    found = compared(tmp_path, {"x": first, "s": first[0, :9]}, {"x": second, "s": first[0, :9]})
    with checkpointing.open(tmp_path / "first") as one, checkpointing.open(tmp_path / "second") as other:
        compare(one, other, progress=lambda done, total: told.append((done, total)))
    (difference,) = found.changed
    assert difference.values is not None
    assert (difference.values.elements, difference.values.changed) == (3 << 21, 2)
    assert told[-1] == (first.nbytes + 9, first.nbytes + 9)
    assert len(told) > 6
    assert found.same == 1


def test_memory_does_not_grow_with_a_tensor(tmp_path: Path) -> None:
    large = np.zeros(96 << 20, np.uint8)
    save(tmp_path / "a", {"x": large}, durability="process")
    large[-1] = 1
    save(tmp_path / "b", {"x": large}, durability="process")
    with checkpointing.open(tmp_path / "a") as one, checkpointing.open(tmp_path / "b") as other:
        tracemalloc.start()
        found = compare(one, other)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert [one.values.changed for one in found.changed if one.values] == [1]
    assert peak < 72 << 20  # two blocks of 16 MiB, and a chunk of each file


def test_damage_is_found_while_comparing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name, {"x": np.ones(9)})
    file = tmp_path / "b" / "data-00000-of-00001.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with (
        checkpointing.open(tmp_path / "a") as one,
        checkpointing.open(tmp_path / "b") as other,
        pytest.raises(CheckpointCorruptError, match="while reading x"),
    ):
        compare(one, other)
