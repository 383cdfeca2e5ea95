"""What is saved comes back to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dovetail_checkpointing import latest_checkpoint, list_variables, restore, save
from dovetail_checkpointing.object_tree import first_path
from dovetail_protocols.errors import CheckpointError, StructureError, UninitializedError

from .safetensors_library import upstream

DTYPES = ["bool", "int8", "uint16", "int32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]


def same(first: Any, second: Any) -> bool:
    """Equal to the bit, types included."""
    if isinstance(first, dict):
        return set(first) == set(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return type(first) is type(second) and all(map(same, first, second)) and len(first) == len(second)
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()
    if isinstance(first, float):
        return np.float64(first).tobytes() == np.float64(second).tobytes()  # NaNs have payloads
    return type(first) is type(second) and first == second


def blank(tree: Any) -> Any:
    """A tree of the same structure with other contents."""
    if isinstance(tree, dict):
        return {key: blank(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(blank(value) for value in tree)
    return np.zeros_like(tree) if isinstance(tree, np.ndarray) else None


leaf = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(DTYPES).flatmap(lambda name: arrays.arrays(name, arrays.array_shapes(min_dims=0, min_side=0))),
)
keys = st.one_of(st.text("abc/0é", min_size=1, max_size=4), st.integers(0, 9))
trees = st.recursive(
    leaf, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)), max_leaves=8
)


@settings(max_examples=60, deadline=None)
@given(tree=trees)
def test_any_tree_comes_back_to_the_bit(tree: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("round") / "step-1"
    save(path, tree)
    assert same(restore(path, blank(tree)).tree, tree)


def test_variables_and_objects_are_restored_in_place(tmp_path: Path, variable: Any, module: Any) -> None:
    def build(value: float, epoch: int) -> Any:
        return module(epoch, kernel=variable(np.full((2, 3), value)), inner=module(epoch + 1, bias=variable([value])))

    save(tmp_path / "c", {"model": build(1.5, 3)}, step=7)
    target = build(0.0, 0)
    report = restore(tmp_path / "c", {"model": target}).report
    assert target.children["kernel"].payload.tolist() == [[1.5] * 3] * 2
    assert target.children["inner"].children["bias"].payload.tolist() == [1.5]
    assert (target.epoch, target.children["inner"].epoch, report.step) == (3, 4, 7)
    assert set(report.restored) == {"model/kernel", "model/inner/bias", "model/epoch", "model/inner/epoch"}


ALIKE = [{"a": {"b": 1.0}, "a/b": 2.0}, {0: 1.0, "0": 2.0}]


@pytest.mark.parametrize("tree", ALIKE)
@pytest.mark.parametrize("kind", [float, np.asarray])
def test_paths_that_read_alike_are_kept_apart(tree: Any, kind: Any, tmp_path: Path) -> None:
    tree = {key: {"b": kind(value["b"])} if isinstance(value, dict) else kind(value) for key, value in tree.items()}
    save(tmp_path / "c", tree)
    assert same(restore(tmp_path / "c", blank(tree)).tree, tree)
    key = list(tree)[1]
    with pytest.raises(CheckpointError, match="1 difference\n"):
        restore(tmp_path / "c", blank({key: tree[key]}))


def test_tied_variables_are_saved_once_and_restored(tmp_path: Path, variable: Any) -> None:
    tied = variable(np.arange(4.0))
    save(tmp_path / "c", {"embedding": tied, "output": tied})
    assert [name for name, _ in list_variables(tmp_path / "c")] == ["embedding/.ATTRIBUTES/VARIABLE_VALUE"]
    target = variable(np.zeros(4))
    restore(tmp_path / "c", {"embedding": target, "output": target})
    assert target.payload.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_lists_and_tuples_that_stand_at_several_depths_come_back_as_such(tmp_path: Path) -> None:
    inner: list[Any] = [1, (2,)]
    save(tmp_path / "c", {"a": inner, "b": {"c": [inner, (inner, inner[1])]}, "d": [[[(inner[1],)]]]})
    tree = restore(tmp_path / "c").tree
    assert repr(tree) == "{'a': [1, (2,)], 'b': {'c': [[1, (2,)], ([1, (2,)], (2,))]}, 'd': [[[((2,),)]]]}"
    assert tree["b"]["c"][0] is tree["b"]["c"][1][0] is tree["a"]
    assert tree["d"][0][0][0][0] is tree["a"][1]


def test_what_holds_itself_comes_back_holding_itself(tmp_path: Path) -> None:
    tree: list[Any] = [np.ones(2), {}, ([],)]
    tree.append(tree)
    tree[1]["up"] = tree
    tree[2][0].append(tree[2])
    save(tmp_path / "c", tree)
    for restored in (restore(tmp_path / "c").tree, restore(tmp_path / "c", tree).tree):
        assert restored[0].tolist() == [1, 1]
        assert restored[3] is restored[1]["up"] is restored
        assert type(restored[2]) is tuple
        assert restored[2][0] == [restored[2]]


def test_what_stood_at_several_places_is_restored_at_each_of_them_apart(
    tmp_path: Path, variable: Any, module: Any
) -> None:
    """A single array that was tied is; so is what a tied list or module holds."""
    tied, steps = module(w=variable([1.0, 2.0]), epoch=3), [4, np.ones(1)]
    save(tmp_path / "c", {"a": tied, "b": {"net": tied}, "steps": steps, "again": {"steps": steps}})
    ones, others = (module(w=variable([0.0, 0.0])) for _ in range(2))
    target = {"a": ones, "b": {"net": others}, "steps": [0, np.zeros(1)], "again": {"steps": [0, np.zeros(1)]}}
    tree = restore(tmp_path / "c", target).tree
    for one in (ones, others):
        assert (one.children["w"].payload.tolist(), one.epoch) == ([1.0, 2.0], 3)
    assert repr(tree["again"]["steps"]) == repr(tree["steps"]) == "[4, array([1.])]"
    assert tree["again"]["steps"][1] is not tree["steps"][1]


def test_aliases_that_lead_round_in_circles_lead_nowhere() -> None:
    """As those of a stranger's checkpoint may."""
    for aliases in ({("a",): ("a",)}, {("a",): ("b",), ("b",): ("a",)}, {("a",): ("a", "a", "a")}, {(): ("a",)}):
        assert len(first_path(("a", "b", "c"), aliases)) < 10


def test_what_stands_in_a_container_met_twice_is_restored_at_both_places(tmp_path: Path, module: Any) -> None:
    """Also where an object has the container, and the tree has it again."""
    for number, layer in enumerate(({"kernel": np.ones(2), "rate": 0.5}, [np.ones(2), 0.5], (np.ones(2), [0.5]))):
        tree = {"first": layer, "list": [layer], "module": module(inside=layer), "after": layer}
        save(tmp_path / f"{number}", tree)
        target = blank(layer)
        restored = restore(
            tmp_path / f"{number}",
            {"first": target, "list": [target], "module": module(inside=target), "after": target},
        ).tree
        assert restored["first"] is restored["list"][0] is restored["after"]
        assert same(restored["after"], layer)


def test_a_container_that_an_object_has_too_is_restored_outside_of_it(tmp_path: Path, module: Any) -> None:
    layer = {"kernel": np.ones(2)}
    save(tmp_path / "c", {"module": module(inside=layer), "after": {"again": layer}})
    target = {"kernel": np.zeros(2)}
    restored = restore(tmp_path / "c", {"module": module(inside=target), "after": {"again": target}}).tree
    assert same(restored["after"]["again"], layer)


def test_files_are_plain_safetensors(tmp_path: Path) -> None:
    save(tmp_path / "c", {"a": {"b": np.arange(3, dtype=np.int16)}, "c": np.float32(2.5).reshape(())})
    loaded = upstream().load_file(tmp_path / "c" / "a-00000-of-00001.safetensors")
    loaded |= upstream().load_file(tmp_path / "c" / "data-00000-of-00001.safetensors")
    assert {name: (value.dtype.name, value.tolist()) for name, value in loaded.items()} == {
        "a/b": ("int16", [0, 1, 2]),
        "c": ("float32", 2.5),
    }


def test_tensors_are_spread_over_numbered_shards(tmp_path: Path) -> None:
    tree = [np.full(100, place, np.float64) for place in range(5)]
    save(tmp_path / "c", tree, shard_bytes=1700)
    assert sorted(file.name for file in (tmp_path / "c").iterdir()) == [
        *(f"data-0000{place}-of-00003.safetensors" for place in range(3)),
        "manifest.json",
    ]
    assert same(restore(tmp_path / "c", blank(tree)).tree, tree)


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    tree = {"b": np.arange(3), "a": 1.5}
    save(tmp_path / "one", tree)
    save(tmp_path / "two", tree)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_latest_is_the_highest_step_that_can_be_read(tmp_path: Path) -> None:
    for step in (9, 10, 11):
        save(tmp_path / f"step-{step}", {"x": step})
    (tmp_path / "step-11" / "manifest.json").write_text("{", "utf-8")
    (tmp_path / ".tmp-step-12-0011223344556677").mkdir()
    assert latest_checkpoint(tmp_path) == tmp_path / "step-10"
    assert latest_checkpoint(tmp_path / "nowhere") is None


def test_what_cannot_be_saved_is_named_by_path(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="this can't be saved") as caught:
        save(tmp_path / "c", {"model": {"layers": [1, {1.5: 2}]}})
    assert "model/layers/1" in str(caught.value)
    with pytest.raises(StructureError) as caught:
        save(tmp_path / "c", {"model": {"layers": [1, object()]}})
    assert "model/layers/1" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_variables_is_refused(tmp_path: Path, variable: Any) -> None:
    class Unbuilt:
        def checkpoint_state(self) -> dict[str, Any]:
            return {}

        def load_checkpoint_state(self, scalars: Any) -> None:
            raise AssertionError("there is nothing to load")

    with pytest.raises(UninitializedError, match="a Unbuilt has no state to save") as caught:
        save(tmp_path / "c", {"step": 1, "model": Unbuilt(), "x": variable([1.0])})
    assert "where: model" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_checkpoint_is_replaced_only_on_request(tmp_path: Path) -> None:
    save(tmp_path / "c", {"x": 1})
    with pytest.raises(CheckpointError, match="exists already") as caught:
        save(tmp_path / "c", {"x": 2})
    assert "overwrite=True" in str(caught.value)
    assert restore(tmp_path / "c", {"x": 0}).tree == {"x": 1}
    save(tmp_path / "c", {"x": 2}, overwrite=True)
    assert restore(tmp_path / "c", {"x": 0}).tree == {"x": 2}
    assert [child.name for child in tmp_path.iterdir()] == ["c"]


def test_what_is_no_checkpoint_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "thesis.tex").write_text("years of work", "utf-8")
    with pytest.raises(CheckpointError, match="exists already"):
        save(tmp_path / "c", {"x": 2}, overwrite=True)
    assert (tmp_path / "c" / "thesis.tex").exists()


def test_each_object_gets_its_own_scalars_and_no_others(tmp_path: Path, module: Any) -> None:
    class Strict:
        def __init__(self, value: int, **children: Any) -> None:
            self.value, self.children, self.loaded = value, children, []

        def checkpoint_state(self) -> dict[str, Any]:
            return {"value": self.value, **self.children}

        def load_checkpoint_state(self, scalars: Any) -> None:
            self.loaded.append(dict(scalars))

    def tree(first: int) -> Strict:
        return Strict(first, inner=Strict(first + 1), options={"depth": first + 2})

    save(tmp_path / "c", tree(1))
    fresh = tree(0)
    restore(tmp_path / "c", fresh)
    assert fresh.loaded == [{"value": 1, "options/depth": 3}]
    assert fresh.children["inner"].loaded == [{"value": 2}]


@pytest.mark.parametrize("tree", [{"x": "half \ud800"}, {"\udc00": 1}])
def test_text_that_no_file_can_hold_is_refused_when_it_is_saved(tree: Any, tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="this can't be saved"):
        save(tmp_path / "c", tree)
    assert not (tmp_path / "c").exists()


def test_an_object_without_state_keeps_its_place_in_a_list(tmp_path: Path, module: Any) -> None:
    class Stateless:
        def checkpoint_state(self) -> Any:
            return {}

        def load_checkpoint_state(self, scalars: Any) -> None: ...

    save(tmp_path / "c", {"all": module(layers=[Stateless(), np.ones(2), Stateless()])})
    layers = restore(tmp_path / "c").tree["all"]["layers"]
    assert (len(layers), layers[0], layers[1].tolist(), layers[2]) == (3, {}, [1, 1], {})


def test_arrays_of_the_other_byte_order_keep_their_values(tmp_path: Path) -> None:
    values = np.arange(24.0).reshape(4, 6)
    for order in "<>":
        whole = values.astype(f"{order}f8")
        tree = {"whole": whole, "transposed": whole.T, "number": whole[1, 2:3].reshape(())}
        save(tmp_path / "c", tree, overwrite=True)
        restored = restore(tmp_path / "c").tree
        assert all(np.array_equal(restored[name], tree[name]) for name in tree)


def test_a_masked_array_is_refused_for_its_mask_would_be_lost(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="mask would be lost"):
        save(tmp_path / "c", {"x": np.ma.array([1, 2], mask=[True, False])})
