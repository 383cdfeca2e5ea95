"""Items of older versions pass through the registered migrations before they are restored."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import (
    Checkpoint,
    ItemState,
    Reader,
    Shard,
    bind,
    migration,
    open,
    restore,
    run_threads,
    save,
    save_sharded,
    versions,
)
from dovetail_protocols.errors import (
    AttributeValueError,
    CheckpointCorruptError,
    CheckpointError,
    CheckpointMismatchError,
    CheckpointVersionError,
)


@pytest.fixture(autouse=True)
def no_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(versions, "_MIGRATIONS", {})


KERNEL = np.arange(12.0).reshape(3, 4)
OLD = {"model": {"dense": {"kernel": KERNEL, "bias": np.ones(4)}, "rate": 0.5}, "optimizer": {"m": np.zeros(4)}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint of version 1 of all that is in it."""
    save(tmp_path / "old", OLD)
    return tmp_path / "old"


def two_migrations() -> None:
    @migration("model", 1, 2)
    def rename_the_layer(state: ItemState) -> ItemState:
        state.rename("dense", "layers/0")
        return state

    @migration("model", 2, 3)
    def transpose(state: ItemState) -> ItemState:
        state["layers/0/kernel"] = state["layers/0/kernel"].T
        state["rate"] *= 2
        state["name"] = "new"
        return state


NEW_MODEL = {"layers": [{"kernel": np.zeros((4, 3)), "bias": np.zeros(4)}], "rate": 0.0, "name": ""}


def test_older_item_passes_through_every_migration_in_order(path: Path) -> None:
    two_migrations()
    restored = restore(path, {"model": NEW_MODEL, "optimizer": {"m": np.ones(4)}})
    model = restored.tree["model"]
    assert np.array_equal(model["layers"][0]["kernel"], KERNEL.T)
    assert np.array_equal(model["layers"][0]["bias"], np.ones(4))
    assert (model["rate"], model["name"]) == (1.0, "new")
    assert restored.report.migrations == ("model: 1 to 2", "model: 2 to 3")


def test_item_of_a_version_in_between_passes_through_the_rest(tmp_path: Path) -> None:
    two_migrations()
    save(tmp_path / "c", {"model": {"layers": {0: {"kernel": KERNEL}}, "rate": 1.0}}, versions={"model": 2})
    restored = restore(tmp_path / "c")
    assert restored.report.migrations == ("model: 2 to 3",)
    assert restored.tree["model"]["rate"] == 2.0


def test_item_of_the_newest_version_is_restored_as_it_is(tmp_path: Path) -> None:
    two_migrations()
    save(tmp_path / "c", {"model": NEW_MODEL})
    restored = restore(tmp_path / "c", {"model": NEW_MODEL})
    assert restored.report.migrations == ()


def test_a_migration_may_skip_versions_and_return_a_plain_dict(path: Path) -> None:
    @migration("model", 1, 5)
    def only_the_kernel(state: ItemState) -> Mapping[str, Any]:
        assert sorted(state) == ["dense/bias", "dense/kernel", "rate"]
        return {"w": np.concatenate([state["dense/kernel"], state["dense/bias"][None]])}

    assert restore(path, only="model/*").tree["model"]["w"].shape == (4, 4)
    assert restore(path, {"model": {"w": np.zeros((4, 4))}}, unexpected="ignore").report.migrations == (
        "model: 1 to 5",
    )


def test_without_migrations_the_checkpoint_is_had_as_it_was_saved(path: Path) -> None:
    two_migrations()
    assert restore(path, migrate=False).tree["model"]["rate"] == 0.5
    with open(path) as reader:
        assert "model/dense/kernel" in reader.tensors


def test_gap_in_the_chain_is_refused_with_what_to_register(path: Path) -> None:
    migration("model", 1, 2)(lambda state: state)
    migration("model", 3, 4)(lambda state: state)
    with pytest.raises(CheckpointVersionError, match=r"@migration\('model', 2, 3\)") as caught:
        restore(path)
    assert caught.value.got == "version 2, after model: 1 to 2"


def test_newer_item_is_refused_with_what_to_do_and_can_be_opened(tmp_path: Path) -> None:
    two_migrations()
    save(tmp_path / "c", {"model": {"w": KERNEL}, "other": 1}, versions={"model": 7})
    target = {"model": {"w": np.zeros((3, 4))}, "other": 0}
    with pytest.raises(CheckpointVersionError, match="newer than what this program knows") as caught:
        restore(tmp_path / "c", target)
    assert (caught.value.expected, caught.value.got) == ("version 3 at most", "version 7")
    assert "migrate=False" in str(caught.value.fix)
    assert np.array_equal(restore(tmp_path / "c", target, migrate=False).tree["model"]["w"], KERNEL)
    with open(tmp_path / "c") as reader:
        assert np.array_equal(reader.read("model/w"), KERNEL)
    assert restore(tmp_path / "c", {"other": 0}, unexpected="ignore").tree == {"other": 1}
    assert restore(tmp_path / "c", only="other").tree == {"other": 1}


def test_migration_that_fails_changes_nothing_and_is_named(path: Path, variable: Any) -> None:
    two_migrations()

    @migration("model", 3, 4)
    def broken(state: ItemState) -> ItemState:
        del state["layers/0/kernl"]
        return state

    target = variable(np.zeros(4))
    with pytest.raises(CheckpointError, match="a migration of 'model' from version 3 to 4 failed") as caught:
        restore(path, {"model": {"layers": [{"bias": target}]}})
    assert "broken" in str(caught.value.where)
    assert "'layers/0/kernel' is" in str(caught.value.cause)
    assert isinstance(caught.value.__cause__, KeyError)
    assert not target.payload.any()


@pytest.mark.parametrize(
    ("result", "cause"),
    [
        (None, "it returned NoneType: return the state, or a dict"),
        ({"a": [1, 2]}, "'a' is a list"),
        ({"a": 1, "a/b": 2}, "'a' is a value, and there are values below it"),
        ({"": 1, "b": 2}, "'' is a value, and there are values below it"),
        ({3: 1}, "the name 3 is no text"),
        ({"a": np.array(["text"])}, "which no checkpoint holds"),
    ],
)
def test_result_that_no_checkpoint_holds_is_refused(path: Path, result: Any, cause: str) -> None:
    migration("model", 1, 2)(lambda state: result)
    with pytest.raises(CheckpointError, match="failed") as caught:
        restore(path)
    assert cause in str(caught.value.cause)


def test_second_migration_from_a_version_is_refused() -> None:
    migration("model", 1, 2)(lambda state: state)
    with pytest.raises(AttributeValueError, match="already"):
        migration("model", 1, 3)(lambda state: state)
    with pytest.raises(AttributeValueError, match="a later one"):
        migration("model", 2, 2)(lambda state: state)


def test_what_does_not_match_is_told_of_the_migrated_names(path: Path) -> None:
    two_migrations()
    with pytest.raises(
        CheckpointMismatchError, match="model/layers/0/kernel: in the checkpoint, but not in the target"
    ):
        restore(path, {"model": {**NEW_MODEL, "layers": [{"bias": np.zeros(4)}]}})


# ---------------------------------------------------------------------- what is read


def test_renames_read_nothing(tmp_path: Path) -> None:
    large = np.zeros((16, 1 << 18))  # 32 MiB
    save(tmp_path / "c", {"model": {"a": {"w": large, "b": np.ones(2)}}}, durability="process")

    @migration("model", 1, 2)
    def tidy(state: ItemState) -> ItemState:
        assert "a/w" in state
        state.rename("a", "z")
        state["b"] = state.pop("z/b") + 1
        return state

    tracemalloc.start()
    try:
        tree = restore(tmp_path / "c", {"model": {"b": np.zeros(2)}}, unexpected="ignore").tree
        part = restore(
            tmp_path / "c", {"model": {"z": {"w": Shard(np.zeros((1, 8)), (3, 8), (16, 1 << 18))}}}, only="*/w"
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert tree["model"]["b"].tolist() == [2, 2]
    assert part.tree["model"]["z"]["w"].sizes == (1, 8)
    assert peak < 20 << 20


def test_array_that_was_looked_at_is_the_same_each_time_and_may_be_changed(path: Path) -> None:
    @migration("model", 1, 2)
    def change(state: ItemState) -> ItemState:
        state["dense/kernel"][0] = 7
        state["dense/kernel"][1] = 8
        return state

    assert restore(path).tree["model"]["dense"]["kernel"][:, 0].tolist() == [7, 8, 8]
    assert np.array_equal(restore(path, migrate=False).tree["model"]["dense"]["kernel"], KERNEL)


def test_damage_in_a_tensor_that_a_migration_looks_at_is_found(path: Path) -> None:
    two_migrations()
    file = path / "model-00000-of-00001.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckpointCorruptError):
        restore(path)


def test_views_of_one_array_come_apart(tmp_path: Path, variable: Any) -> None:
    save(tmp_path / "c", {"attention": {"qkv": np.arange(6.0)}})

    @migration("attention", 1, 2)
    def split(state: ItemState) -> Mapping[str, Any]:
        return dict(zip("qkv", np.split(state["qkv"], 3), strict=True))

    target = {name: variable(np.zeros(2)) for name in "qkv"}
    restore(tmp_path / "c", {"attention": target})
    assert [target[name].payload.tolist() for name in "qkv"] == [[0, 1], [2, 3], [4, 5]]
    assert all(target[name].payload.flags.owndata for name in "qkv")


def test_tied_tensors_stay_tied_and_may_be_renamed(tmp_path: Path, variable: Any) -> None:
    shared = variable(KERNEL)
    save(tmp_path / "c", {"model": {"embed": shared, "head": shared}, "average": {"embed": shared, "n": 1}})

    @migration("model", 1, 2)
    def rename(state: ItemState) -> ItemState:
        state.rename("embed", "tokens")
        return state

    tree = restore(tmp_path / "c").tree
    assert tree["model"]["tokens"] is tree["model"]["head"]
    assert tree["average"]["embed"] is tree["model"]["head"]
    target = variable(np.zeros((3, 4)))
    restore(tmp_path / "c", {"model": {"head": target, "tokens": target}}, unexpected="ignore")
    assert np.array_equal(target.payload, KERNEL)


def test_lists_and_empty_containers_come_back_as_they_were(tmp_path: Path) -> None:
    save(tmp_path / "c", {"model": {"layers": [1, 2], "none": [], "old": (3,)}, "other": [4]})

    @migration("model", 1, 2)
    def drop(state: ItemState) -> ItemState:
        del state["old/0"]
        return state

    assert restore(tmp_path / "c").tree == {"model": {"layers": [1, 2], "none": []}, "other": [4]}


def test_item_that_is_one_value_has_an_empty_name(tmp_path: Path) -> None:
    save(tmp_path / "c", {"epoch": 3})
    migration("epoch", 1, 2)(lambda state: {"": state[""] + 1})
    assert restore(tmp_path / "c", {"epoch": 0}).tree == {"epoch": 4}


# ---------------------------------------------------------------------- with what else there is


def test_values_that_wait_are_migrated_ones(path: Path, variable: Any, module: Any) -> None:
    two_migrations()
    layer, late = module(), {}
    model = module(**{"layers/0": layer})
    checkpoint = Checkpoint(model=model)
    layer.children["bias"] = variable(np.zeros(4))
    status = checkpoint.restore(path)
    assert status.migrations == ("model: 1 to 2", "model: 2 to 3")
    layer.children["kernel"] = late["kernel"] = variable(np.zeros((4, 3)))
    status.look()
    assert np.array_equal(layer.children["bias"].payload, np.ones(4))
    assert np.array_equal(late["kernel"].payload, KERNEL.T)
    with bind(path, {"optimizer": {"m": variable(np.ones(4))}}) as bound:
        assert bound.migrations == ()
        bound.expect_partial()


def test_newer_item_ends_a_wait_before_it_begins(
    tmp_path: Path, variable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Reader] = []
    close = Reader.close
    monkeypatch.setattr(Reader, "close", lambda reader: (closed.append(reader), close(reader)))
    save(tmp_path / "c", {"model": {"w": KERNEL}}, versions={"model": 7})
    with pytest.raises(CheckpointVersionError):
        Checkpoint(model={"w": variable(KERNEL)}).restore(tmp_path / "c")
    assert len(closed) == 1


def test_ranks_write_the_newest_version_and_restore_parts_of_older_ones(tmp_path: Path) -> None:
    def run(ranks: Any) -> Any:
        part = Shard(KERNEL[:, 2 * ranks.rank : 2 * ranks.rank + 2], (0, 2 * ranks.rank), (3, 4))
        return save_sharded(tmp_path / "c", {"model": {"w": part}}, communicator=ranks)

    run_threads(2, run)

    @migration("model", 1, 2)
    def double(state: ItemState) -> ItemState:
        state["w"] = state["w"] * 2
        return state

    target = Shard(np.zeros((2, 4)), (1, 0), (3, 4))
    restored = restore(tmp_path / "c", {"model": {"w": target}}).tree["model"]["w"]
    assert np.array_equal(restored.value, 2 * KERNEL[1:])
    run_threads(2, lambda ranks: save_sharded(tmp_path / "d", {"model": {"w": KERNEL}}, communicator=ranks))
    with open(tmp_path / "d") as reader:
        assert reader.manifest.items == {"model": 2}
