"""Values that wait: where they go, when they are looked for, and what ends the wait."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import Checkpoint, bind, save
from dovetail_checkpointing.growing_tree import GrowingTree
from dovetail_protocols import creation
from dovetail_protocols.errors import (
    CheckpointMismatchError,
)
from dovetail_protocols.roles import SupportsPartialState

from .late_objects import Late, Parted


@pytest.fixture
def used_late(variable: Any) -> type[Any]:
    """A variable that is announced, and says when its payload is used for the first time."""
    gc.collect()  # what other tests left waiting in a cycle would watch new variables too

    class UsedLate(variable):
        action: Callable[[], None] | None = None
        held: Any = None

        def __init__(self, value: Any) -> None:
            super().__init__(value)
            creation.announce(self)

        def before_first_use(self, action: Callable[[], None]) -> None:
            self.action = action

        @property
        def payload(self) -> Any:
            action, self.action = self.action, None
            if action is not None:
                action()
            return self.held

        @payload.setter
        def payload(self, value: Any) -> None:
            self.held = value

        @property
        def meta(self) -> Any:
            return variable(self.held).meta

    return UsedLate


def test_paths_that_read_alike_wait_each_for_its_own(tmp_path: Path, variable: Any) -> None:
    one, two = {"x/y": {"w": variable([1.0])}}, {"x": {"y/w": variable([2.0])}}
    save(tmp_path / "c", {**one, **two})
    fresh: dict[str, Any] = {"x/y": {}, "x": {}}
    with bind(tmp_path / "c", fresh) as status:
        assert status.waiting == ("x/y/w", "x/y/w")
        fresh["x"]["y/w"] = variable([0.0])
        assert status.waiting == ("x/y/w",)
        fresh["x/y"]["w"] = variable([0.0])
    assert (fresh["x/y"]["w"].payload, fresh["x"]["y/w"].payload) == ([1.0], [2.0])


def test_what_is_added_to_a_dict_is_restored_before_its_first_use(saved: Path, used_late: Any) -> None:
    net: dict[str, Any] = {}
    status = Checkpoint(net=net).restore(saved)
    net["a"] = used_late([0.0])
    assert net["a"].payload.tolist() == [1.0]
    stray = used_late([5.0])
    assert stray.payload.tolist() == [5.0]
    net["b"] = used_late([0.0, 0.0])
    status.assert_consumed()
    assert net["b"].held.tolist() == [2.0, 2.0]
    made = used_late([0.0])
    assert made.action is None, "nobody watches once nothing waits"


def test_an_entry_that_is_renamed_is_noticed(saved: Path, used_late: Any) -> None:
    net: dict[str, Any] = {}
    checkpoint = Checkpoint(net=net)
    checkpoint.restore(saved)
    made = net["x"] = used_late([0.0])
    assert used_late([5.0]).payload.tolist() == [5.0], "whose use looks at all"
    net["a"] = net.pop("x")
    assert made.payload.tolist() == [1.0]


def test_one_look_serves_all_that_it_finds(saved: Path, used_late: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net: dict[str, Any] = {}
    checkpoint = Checkpoint(net=net, more=[])
    checkpoint.restore(saved)
    looks: list[GrowingTree] = []
    grown = GrowingTree.grown
    monkeypatch.setattr(GrowingTree, "grown", lambda tree: looks.append(tree) or grown(tree))
    net["a"], net["b"] = used_late([0.0]), used_late([0.0, 0.0])
    assert (net["a"].payload.tolist(), net["b"].payload.tolist()) == ([1.0], [2.0, 2.0])
    assert len(looks) == 1


def test_keys_of_another_kind_get_what_reads_like_them(tmp_path: Path, variable: Any) -> None:
    save(tmp_path / "c", {"net": [variable([1.0])]})
    net: dict[str, Any] = {}
    with bind(tmp_path / "c", {"net": net}):
        net["0"] = variable([0.0])
    assert net["0"].payload.tolist() == [1.0]


def test_an_object_that_tells_nothing_is_asked_when_a_variable_is_first_used(saved: Path, used_late: Any) -> None:
    class Silent:
        def __init__(self) -> None:
            self.children: dict[str, Any] = {}

        def checkpoint_state(self) -> dict[str, Any]:
            return self.children

        def load_checkpoint_state(self, scalars: Any) -> None:
            pass

    net = Silent()
    checkpoint = Checkpoint(net=net)
    checkpoint.restore(saved)
    net.children["a"] = used_late([0.0])
    assert net.children["a"].payload.tolist() == [1.0]


def test_a_status_that_nobody_holds_any_more_watches_nothing(saved: Path, used_late: Any) -> None:
    Checkpoint(net={}).restore(saved)
    assert used_late([0.0]).action is None


def test_a_model_that_is_dropped_while_values_wait_is_collected(saved: Path, used_late: Any) -> None:
    net = Late(inner=Late())
    Checkpoint(net=net).restore(saved)
    reference = weakref.ref(net)
    del net
    gc.collect()
    assert reference() is None
    assert used_late([0.0]).action is None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"])
def test_a_copy_of_an_object_is_not_waited_for(saved: Path, variable: Any, copied: Any) -> None:
    net = Late()
    with bind(saved, {"net": net}):
        other = copied(net)
        assert other.observer is None
        assert other.set("a", variable([0.0])).payload.tolist() == [0.0]
        assert net.set("a", variable([0.0])).payload.tolist() == [1.0]
        net.set("b", variable([0.0, 0.0]))


def test_a_value_of_another_shape_is_refused_once_and_the_others_still_come(saved: Path, used_late: Any) -> None:
    net: dict[str, Any] = {}
    checkpoint = Checkpoint(net=net)
    checkpoint.restore(saved)
    net["b"] = used_late([0.0])
    with pytest.raises(
        CheckpointMismatchError, match="net/b: the checkpoint has float64\\[2\\], the target float64\\[1\\]"
    ):
        _ = net["b"].payload
    assert net["b"].payload.tolist() == [0.0]
    del net["b"]
    net["a"] = used_late([0.0])
    assert net["a"].payload.tolist() == [1.0]
    net["b"] = used_late([0.0, 0.0])
    assert net["b"].payload.tolist() == [2.0, 2.0]


def test_what_was_refused_is_not_refused_again_when_the_rest_is_saved(
    tmp_path: Path, saved: Path, variable: Any
) -> None:
    net = Late()
    checkpoint = Checkpoint(net=net)
    status = checkpoint.restore(saved)
    fits, other = variable([0.0]), variable([0.0])
    net.children["a"] = fits
    with pytest.raises(CheckpointMismatchError):
        net.set("b", other)
    assert fits.payload.tolist() == [0.0], "what is found at once is restored whole or not at all"
    checkpoint.write(tmp_path / "later")
    assert (fits.payload.tolist(), other.payload.tolist()) == ([1.0], [0.0])
    assert status.waiting == ("net/b",)


def test_a_variable_that_has_its_value_keeps_it_when_it_is_tied_to_another_path(tmp_path: Path, variable: Any) -> None:
    save(tmp_path / "c", {"net": {"embedding": variable([1.0]), "output": variable([2.0])}})
    net, shared = Late(), variable([0.0])
    status = Checkpoint(net=net).restore(tmp_path / "c")
    net.set("embedding", shared)
    net.set("output", shared)
    assert shared.payload.tolist() == [1.0]
    assert status.waiting == ("net/output",)
    whole = variable([0.0])
    Checkpoint(net=Late(embedding=whole, output=whole)).restore(tmp_path / "c")
    assert whole.payload.tolist() == [1.0], "of two paths, the first counts"


def test_a_later_restore_ends_the_wait_for_an_earlier_one(tmp_path: Path, saved: Path, variable: Any) -> None:
    save(tmp_path / "later", {"net": {"a": variable([10.0])}})
    net = Late()
    checkpoint = Checkpoint(net=net)
    checkpoint.restore(saved)
    checkpoint.restore(tmp_path / "later")
    assert net.set("a", variable([0.0])).payload.tolist() == [10.0]
    assert net.set("b", variable([0.0, 0.0])).payload.tolist() == [0.0, 0.0]


def test_two_checkpoints_wait_for_one_object_and_the_later_value_stays(
    tmp_path: Path, saved: Path, variable: Any
) -> None:
    save(tmp_path / "other", {"part": {"a": variable([10.0]), "c": variable([3.0])}})
    net = Late()
    first, second = Checkpoint(net=net), Checkpoint(part=net)
    one, two = first.restore(saved), second.restore(tmp_path / "other")
    assert net.set("a", variable([0.0])).payload.tolist() == [10.0]
    assert net.set("b", variable([0.0, 0.0])).payload.tolist() == [2.0, 2.0]
    assert net.observer is not None
    assert net.set("c", variable([0.0])).payload.tolist() == [3.0]
    assert one.waiting == two.waiting == ()
    assert net.observer is None


def test_what_was_taken_out_of_the_tree_takes_no_values(saved: Path, variable: Any) -> None:
    old, new = Late(), Late()
    nets = {"net": old}
    status = Checkpoint(**nets).restore(saved)
    holder = Checkpoint(objects=nets)
    save(saved.parent / "held", {"objects": {"net": {"a": variable([1.0])}}})
    status.end()
    holder.restore(saved.parent / "held")
    nets["net"] = new
    assert old.set("a", variable([0.0])).payload.tolist() == [0.0]
    assert new.set("a", variable([0.0])).payload.tolist() == [1.0]


@pytest.mark.parametrize("then", [None, 3, "another"])
def test_an_attribute_that_was_set_anew_takes_the_values(tmp_path: Path, variable: Any, then: Any) -> None:
    save(tmp_path / "c", {"net": {"part": {"a": variable([1.0])}}})
    old, new = Late(), Late()
    net = Late(part=old)
    checkpoint = Checkpoint(net=net)
    checkpoint.restore(tmp_path / "c")
    net.set("part", new if then == "another" else then)
    assert old.set("a", variable([0.0])).payload.tolist() == [0.0]
    net.set("part", new)
    assert new.set("a", variable([0.0])).payload.tolist() == [1.0]


def test_tied_values_reach_variables_that_are_no_longer_tied(tmp_path: Path, variable: Any) -> None:
    tied = variable([1.0])
    save(tmp_path / "c", {"net": {"a": tied, "b": tied, "c": variable([2.0])}})
    net = Late()
    status = Checkpoint(net=net).restore(tmp_path / "c")
    assert status.waiting == ("net/a", "net/c")
    assert net.set("b", variable([0.0])).payload.tolist() == [1.0]
    assert status.waiting == ("net/c",)
    assert net.set("a", variable([0.0])).payload.tolist() == [1.0]


def test_scalars_wait_for_an_object_that_is_set_later(tmp_path: Path, module: Any, variable: Any) -> None:
    saved = {"net": Late(data=module(epoch=4, place=variable(2)), options={"depth": 3})}
    save(tmp_path / "c", saved)
    net = Late(options={"depth": 0})
    with bind(tmp_path / "c", {"net": net}):
        assert net.children["options/depth"] == 3, "what is in containers goes to the object that has them"
        data = net.set("data", module(epoch=0, place=variable(0)))
        assert (data.epoch, data.children["place"].payload.tolist()) == (4, 2)
        data.epoch = 5
    assert data.epoch == 5


@pytest.mark.parametrize("kind", [Late, Parted])
def test_each_object_is_asked_a_few_times_however_many_there_are(tmp_path: Path, kind: Any, variable: Any) -> None:
    names = [f"layer_{place}" for place in range(50)]
    save(tmp_path / "c", {"net": {name: {"kernel": variable([1.0]), "bias": variable([2.0])} for name in names}})
    assert issubclass(Parted, SupportsPartialState)
    layers, net = {name: kind() for name in names}, Parted()
    with bind(tmp_path / "c", {"net": net}):
        for name, layer in layers.items():
            net.set(name, layer)
        for layer in layers.values():
            layer.set("kernel", variable([0.0]))
            layer.set("bias", variable([0.0]))
            asked = layer.asked
            layer.set("extra", 1)
            assert layer.asked == asked, "nothing waits for it any more"
    assert all(layer.children["kernel"].payload.tolist() == [1.0] for layer in layers.values())
    if kind is Parted:
        assert max(layer.asked for layer in layers.values()) <= 4


def test_layers_built_in_several_threads_all_get_their_values(tmp_path: Path, variable: Any) -> None:
    names = [f"layer_{place}" for place in range(40)]
    values = {name: {"kernel": variable(np.full(50, float(place)))} for place, name in enumerate(names)}
    save(tmp_path / "c", {"net": values})
    net = {name: Late() for name in names}

    def build(chosen: list[str]) -> None:
        for name in chosen:
            net[name].set("kernel", variable(np.zeros(50)))

    with bind(tmp_path / "c", {"net": net}):
        threads = [threading.Thread(target=build, args=(names[start::4],)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for place, name in enumerate(names):
        np.testing.assert_array_equal(net[name].children["kernel"].payload, np.full(50, float(place)))
