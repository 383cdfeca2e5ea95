"""One checkpoint out of what several ranks have: what it holds, who writes what, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail_checkpointing
from dovetail_checkpointing import (
    Receipt,
    Shard,
    ThreadCommunicator,
    even_slices,
    restore,
    run_threads,
    save,
    save_sharded,
    verify,
)
from dovetail_protocols.errors import CheckpointError, DovetailError, ShapeError, StructureError

from .safetensors_library import upstream

WHOLE = np.arange(7 * 6, dtype=np.float32).reshape(7, 6)


def rows(ranks: ThreadCommunicator, whole: np.ndarray[Any, Any] = WHOLE) -> Shard:
    """The rows of a rank."""
    part = even_slices(whole.shape, 0, ranks.rank, ranks.world_size)
    return Shard(whole[part], [one.start for one in part], whole.shape)


def saved(path: Path, tree: Callable[[ThreadCommunicator], Any], world_size: int = 3, **options: Any) -> Receipt:
    """The receipt that all ranks got."""
    results = run_threads(
        world_size, lambda ranks: save_sharded(path, tree(ranks), communicator=ranks, **options), timeout_seconds=30
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result
    assert len({(result.digest, result.size_bytes, result.nonfinite) for result in results}) == 1
    return results[0]


def refusal(path: Path, tree: Callable[[ThreadCommunicator], Any], world_size: int = 3, **options: Any) -> Any:
    """The error that all ranks got."""
    results = run_threads(
        world_size, lambda ranks: save_sharded(path, tree(ranks), communicator=ranks, **options), timeout_seconds=30
    )
    assert all(isinstance(result, DovetailError) for result in results), results
    assert len({(type(result), str(result)) for result in results}) == 1, results
    return results[0]


def test_checkpoint_of_several_ranks_is_like_that_of_one(tmp_path: Path) -> None:
    tree = {"model": {"w": WHOLE, "layers": [np.ones(2), (np.zeros(0), {})]}, "epoch": 3, "rate": 0.1}
    save(tmp_path / "one", tree)
    receipt = saved(
        tmp_path / "three",
        lambda ranks: {**tree, "model": {**tree["model"], "w": rows(ranks)}},
        step=4,
        metrics={"a": 1},
    )
    one, three = restore(tmp_path / "one").tree, restore(tmp_path / "three")
    assert repr(three.tree) == repr(one)
    assert (three.report.step, three.report.metrics) == (4, {"a": 1.0})
    assert verify(tmp_path / "three").is_sound
    assert receipt.tensor_count == 3
    assert {path.name for path in tmp_path.iterdir()} == {"one", "three"}


def test_any_safetensors_reader_opens_the_files_of_each_rank(tmp_path: Path) -> None:
    saved(tmp_path / "c", lambda ranks: {"model": {"w": rows(ranks)}})
    found = upstream().load_file(tmp_path / "c" / "model-00000-of-00001-rank-00001.safetensors")
    assert np.array_equal(found["model/w[3:5,0:6]"], WHOLE[3:5])


@pytest.mark.parametrize(
    ("own", "everywhere", "expected"),
    [([], [300, 400, 500, 600, 900], [900, 900, 900]), ([300], [500, 400], [300, 500, 400])],
    ids=["all the same", "one rank has something of its own"],
)
def test_what_is_the_same_everywhere_is_written_once_and_shared_out_by_bytes(
    tmp_path: Path, own: list[int], everywhere: list[int], expected: list[int]
) -> None:
    def tree(ranks: ThreadCommunicator) -> Any:
        shared = {str(place): np.full(size, place, np.int8) for place, size in enumerate(everywhere)}
        only = {f"own {place}": Shard(np.zeros(size, np.int8)) for place, size in enumerate(own)}
        return {"model": shared | (only if ranks.rank == 0 else {})}

    saved(tmp_path / "c", tree)
    files = sorted((tmp_path / "c").glob("*.safetensors"))
    assert [sum(array.nbytes for array in upstream().load_file(file).values()) for file in files] == expected


def test_part_that_several_ranks_have_is_written_once(tmp_path: Path) -> None:
    halves = [WHOLE[:4], WHOLE[4:]]
    saved(tmp_path / "c", lambda ranks: {"w": Shard(halves[ranks.rank % 2], (4 * (ranks.rank % 2), 0), (7, 6))}, 4)
    files = [upstream().load_file(file) for file in (tmp_path / "c").glob("*.safetensors")]
    assert sum(array.size for file in files for array in file.values()) == WHOLE.size
    assert np.array_equal(restore(tmp_path / "c").tree["w"], WHOLE)


def test_tensor_that_only_some_ranks_have_is_a_shard_without_starts(tmp_path: Path) -> None:
    saved(tmp_path / "c", lambda ranks: {"layers": {ranks.rank: {"w": Shard(np.full(2, ranks.rank))}}})
    tree = restore(tmp_path / "c").tree
    assert {rank: layer["w"].tolist() for rank, layer in tree["layers"].items()} == {0: [0, 0], 1: [1, 1], 2: [2, 2]}


def test_ranks_may_have_nothing_of_a_tensor(tmp_path: Path) -> None:
    saved(tmp_path / "c", lambda ranks: {"w": rows(ranks, np.ones((1, 2))), "none": rows(ranks, np.ones((0, 2)))})
    tree = restore(tmp_path / "c").tree
    assert (tree["w"].tolist(), tree["none"].shape) == ([[1, 1]], (0, 2))


def test_tied_shards_stay_one(tmp_path: Path, variable: Any) -> None:
    def tree(ranks: ThreadCommunicator) -> Any:
        part = rows(ranks)
        own = variable(part.value)
        return {"a": Shard(own, part.starts, part.shape), "b": Shard(own, part.starts, part.shape)}

    assert saved(tmp_path / "c", tree).tensor_count == 1
    restored = restore(tmp_path / "c").tree
    assert restored["a"] is restored["b"]


def test_sharding_says_what_the_variables_of_a_module_are_parts_of(tmp_path: Path, variable: Any, module: Any) -> None:
    def run(ranks: ThreadCommunicator) -> Any:
        part = rows(ranks)
        model = module(epoch=2, kernel=variable(part.value), bias=variable(np.ones(6)))
        return save_sharded(
            tmp_path / "c",
            {"model": model},
            communicator=ranks,
            sharding=lambda name, value: Shard(value, part.starts, part.shape) if name == "model/kernel" else None,
        )

    assert not [result for result in run_threads(3, run) if isinstance(result, BaseException)]
    assert np.array_equal(restore(tmp_path / "c").tree["model"]["kernel"], WHOLE)


def test_overwriting_replaces_and_receipts_name_what_is_not_finite(tmp_path: Path) -> None:
    save(tmp_path / "c", {"w": np.zeros(2)})
    whole = WHOLE.copy()
    whole[6, 0] = np.nan
    receipt = saved(tmp_path / "c", lambda ranks: {"w": rows(ranks, whole)}, overwrite=True, find_nonfinite=True)
    assert receipt.nonfinite == ("w",)
    assert restore(tmp_path / "c", expected_digest=receipt.digest).tree["w"].shape == (7, 6)


# ---------------------------------------------------------------------- what is refused


def test_missing_and_overlapping_parts_are_named_with_their_ranks(tmp_path: Path) -> None:
    starts = [0, 2, 4]

    def tree(ranks: ThreadCommunicator) -> Any:
        start = starts[ranks.rank]
        return {
            "gap": Shard(WHOLE[start : start + 2], (start, 0), (7, 6)),
            "twice": Shard(WHOLE[start : start + 3], (start, 0), (7, 6)),
        }

    error = refusal(tmp_path / "c", tree)
    assert isinstance(error, StructureError)
    assert "gap (7, 6): no rank has [6:7, 0:6]" in str(error)
    assert "twice (7, 6): [0:3, 0:6] on rank 0 and [2:5, 0:6] on rank 1 overlap" in str(error)
    assert not list(tmp_path.iterdir())


def test_trees_that_differ_are_refused_with_every_difference(tmp_path: Path) -> None:
    def tree(ranks: ThreadCommunicator) -> Any:
        others = {"extra": np.ones(2)} if ranks.rank == 1 else {}
        return {
            "epoch": ranks.rank // 2,
            "w": np.zeros(2 + ranks.rank // 2),
            "kind": [] if ranks.rank else (),
            "shard": Shard(np.ones(1)) if ranks.rank else 1.0,
            **others,
        }

    error = refusal(tmp_path / "c", tree)
    for line in (
        "epoch: 0 on ranks 0 to 1; 1 on rank 2",
        "w: float64 (2,) on ranks 0 to 1; float64 (3,) on rank 2",
        "extra: float64 (2,) on rank 1, not on ranks 0, 2",
        "kind: a tuple on rank 0; a list on ranks 1 to 2",
        "shard: 1.0 on rank 0; float64 (1,) on ranks 1 to 2",
    ):
        assert line in str(error)
    assert not list(tmp_path.iterdir())


def test_values_above_others_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path / "c", lambda ranks: {"a": {"b": Shard(np.ones(1))} if ranks.rank else Shard(np.ones(1))})
    assert "a: a value on rank 0, more below it on ranks 1 to 2" in str(error)


def test_rank_with_a_tree_that_cannot_be_saved_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path / "c", lambda ranks: {"a": object() if ranks.rank == 1 else 1})
    assert isinstance(error, StructureError)
    assert error.where == "rank 1: a"


def test_target_that_is_there_is_refused_on_every_rank(tmp_path: Path) -> None:
    save(tmp_path / "c", {"w": np.zeros(2)})
    assert "exists already" in str(refusal(tmp_path / "c", lambda ranks: {"w": rows(ranks)}))


def test_saving_a_part_without_the_others_is_refused(tmp_path: Path) -> None:
    part = Shard(WHOLE[:3], (0, 0), (7, 6))
    with pytest.raises(StructureError, match="save_sharded"):
        save(tmp_path / "c", {"w": part})
    manager = dovetail_checkpointing.Manager(tmp_path / "run")
    with pytest.raises(StructureError, match="save_sharded"):
        manager.save_async(1, {"w": part})
    save(tmp_path / "c", {"w": Shard(WHOLE)})
    assert np.array_equal(restore(tmp_path / "c").tree["w"], WHOLE)


def test_shard_outside_of_its_tensor_is_refused() -> None:
    for starts, shape in [((5, 0), (7, 6)), ((-1, 0), (7, 6)), ((0,), (7,)), ((0, 0, 0), (7, 6, 1))]:
        with pytest.raises(ShapeError, match="not inside of its tensor"):
            Shard(WHOLE[:3], starts, shape)


def test_array_that_is_two_parts_at_once_is_refused(tmp_path: Path) -> None:
    part = WHOLE[:3]
    with pytest.raises(StructureError, match="two parts of tensors"):
        save(tmp_path / "c", [Shard(part, (0, 0), (7, 6)), Shard(part, (3, 0), (7, 6))])


@pytest.mark.parametrize("world_size", [1, 2, 3, 7, 9])
def test_even_slices_cover_an_axis_in_order(world_size: int) -> None:
    parts = [even_slices((2, 7), 1, rank, world_size) for rank in range(world_size)]
    assert [place for part in parts for place in range(7)[part[1]]] == list(range(7))
    sizes = [part[1].stop - part[1].start for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert all(part[0] == slice(0, 2) for part in parts)


def test_foreign_error_of_one_rank_is_told_to_the_others(tmp_path: Path) -> None:
    def sharding(name: str, value: Any) -> None:
        raise ZeroDivisionError("by accident")

    def run(ranks: ThreadCommunicator) -> Any:
        return save_sharded(
            tmp_path / "c", {"w": WHOLE}, communicator=ranks, sharding=sharding if ranks.rank == 2 else None
        )

    results = run_threads(3, run)
    assert isinstance(results[2], ZeroDivisionError)
    for result in results[:2]:
        assert isinstance(result, CheckpointError)
        assert (result.where, result.cause) == ("rank 2", "ZeroDivisionError: by accident")
