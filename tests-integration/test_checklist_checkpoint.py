"""The checklist of the module guide, *Checkpoint* (21-30), with real modules; docs/status.md maps the numbers."""

from __future__ import annotations

import copy
import operator
import pickle
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail as dt

DATA = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


class Guide(dt.Module):
    """A network whose paths are those of the checklist: net/l1/kernel. Its layers are built at the first call."""

    def __init__(self) -> None:
        super().__init__()
        self.l1 = dt.layers.Dense(5, activation="tanh")
        self.l2 = dt.layers.Dense(2)

    def __call__(self, x: Any) -> Any:
        return self.l2(self.l1(x))


class FlexibleDense(dt.Module):
    """The guide's: makes its variables at its first call."""

    def __init__(self, out_features: int) -> None:
        super().__init__()
        self.is_built, self.out_features = False, out_features

    def __call__(self, x: Any) -> Any:
        if not self.is_built:
            self.w = dt.Variable(dt.random.normal([x.shape[-1], self.out_features]), name="w")
            self.b = dt.Variable(dt.zeros([self.out_features]), name="b")
            self.is_built = True
        return x @ self.w + self.b


class Positions:
    """A data iterator that can be resumed: it saves how far it is."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.position = data, 0

    def __iter__(self) -> Positions:
        return self

    def __next__(self) -> np.ndarray:
        row = self.data[self.position % len(self.data)]
        self.position += 1
        return row[np.newaxis]

    def checkpoint_state(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_checkpoint_state(self, scalars: Any) -> None:
        self.position = scalars["position"]


def built() -> Guide:
    net = Guide()
    net(DATA)
    return net


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A checkpoint of a network, and what the network gives."""
    net = built()
    dt.checkpointing.Checkpoint(net=net).write(tmp_path / "guide")
    return tmp_path / "guide", net(DATA).numpy()


def test_21_write_produces_an_index_and_numbered_data_shards_without_code(saved: tuple[Path, np.ndarray]) -> None:
    path, _ = saved
    assert sorted(file.name for file in path.iterdir()) == ["manifest.json", "net-00000-of-00001.safetensors"]
    index = (path / "manifest.json").read_text("utf-8")
    assert not any(word in index for word in ("Guide", "Dense", "dovetail_modules", __name__))


def test_22_list_variables_gives_object_paths_and_shapes(saved: tuple[Path, np.ndarray]) -> None:
    assert dt.checkpointing.list_variables(saved[0]) == [
        ("net/l1/bias/.ATTRIBUTES/VARIABLE_VALUE", (5,)),
        ("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE", (3, 5)),
        ("net/l2/bias/.ATTRIBUTES/VARIABLE_VALUE", (2,)),
        ("net/l2/kernel/.ATTRIBUTES/VARIABLE_VALUE", (5, 2)),
    ]


def test_23_restoring_into_a_fresh_instance_reproduces_outputs(saved: tuple[Path, np.ndarray]) -> None:
    path, expected = saved
    fresh = built()
    assert not np.array_equal(fresh(DATA).numpy(), expected)
    dt.checkpointing.Checkpoint(net=fresh).restore(path).assert_consumed()
    np.testing.assert_array_equal(fresh(DATA).numpy(), expected)


def test_24_matching_is_by_attribute_path_not_by_variable_name(tmp_path: Path) -> None:
    class Swapped(dt.Module):
        def __init__(self, first: str, second: str, values: tuple[float, float]) -> None:
            super().__init__()
            self.a, self.b = dt.Variable(values[0], name=first), dt.Variable(values[1], name=second)

    dt.checkpointing.save(tmp_path / "c", Swapped("x", "y", (1.0, 2.0)))
    other = Swapped("y", "x", (0.0, 0.0))
    dt.checkpointing.restore(tmp_path / "c", other)
    assert (float(other.a), float(other.b)) == (1.0, 2.0)


def test_25_values_restored_before_build_are_applied_at_creation(saved: tuple[Path, np.ndarray]) -> None:
    path, expected = saved
    fresh = Guide()
    status = dt.checkpointing.Checkpoint(net=fresh).restore(path)
    assert fresh.variables == ()
    assert len(status.waiting) == 4
    np.testing.assert_array_equal(fresh(DATA).numpy(), expected)
    status.assert_consumed()


def test_25_also_for_a_plain_module_that_makes_its_variables_itself(tmp_path: Path) -> None:
    trained = FlexibleDense(2)
    expected = trained(DATA).numpy()
    dt.checkpointing.Checkpoint(model=trained).write(tmp_path / "c")
    fresh = FlexibleDense(2)
    with dt.checkpointing.Checkpoint(model=fresh).restore(tmp_path / "c"):
        np.testing.assert_array_equal(fresh(DATA).numpy(), expected)


def test_25_also_where_the_first_call_is_traced(saved: tuple[Path, np.ndarray]) -> None:
    path, expected = saved
    fresh = Guide()
    with dt.checkpointing.Checkpoint(net=fresh).restore(path):
        result = dt.function(fresh)(dt.constant(DATA))
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("traced", [False, True])
def test_25_also_for_the_slots_of_an_optimizer(tmp_path: Path, traced: bool) -> None:
    def training() -> tuple[Any, Any, Any]:
        net, optimizer = Guide(), dt.optimizers.Adam(0.1)

        def step() -> None:
            with dt.GradientTape() as tape:
                loss = dt.mean(net(DATA) ** 2)
            variables = net.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

        return net, optimizer, dt.function(step) if traced else step

    net, optimizer, step = training()
    for _ in range(3):
        step()
    dt.checkpointing.Checkpoint(net=net, optimizer=optimizer).write(tmp_path / "c")
    step()
    fresh, fresh_optimizer, fresh_step = training()
    with dt.checkpointing.Checkpoint(net=fresh, optimizer=fresh_optimizer).restore(tmp_path / "c"):
        fresh_step()
    for before, after in zip(net.variables, fresh.variables, strict=True):
        np.testing.assert_array_equal(after.numpy(), before.numpy())
    assert int(fresh_optimizer.iterations) == 4


def test_25_copies_made_while_values_wait_do_not_take_them(saved: tuple[Path, np.ndarray]) -> None:
    path, expected = saved
    fresh = Guide()
    with dt.checkpointing.Checkpoint(net=fresh).restore(path):
        for other in (copy.deepcopy(fresh), pickle.loads(pickle.dumps(fresh))):
            assert other.variables == ()
        copied = copy.deepcopy(fresh)
        assert not np.array_equal(copied(DATA).numpy(), expected)
        np.testing.assert_array_equal(fresh(DATA).numpy(), expected)


def test_26_partial_object_graphs_restore_their_subset(saved: tuple[Path, np.ndarray]) -> None:
    path, _ = saved
    whole, part = built(), built()
    dt.checkpointing.Checkpoint(net=whole).restore(path)
    dt.checkpointing.restore(path, {"net": part}, only=lambda name: name.startswith("net/l1/"))
    np.testing.assert_array_equal(part.l1.kernel.numpy(), whole.l1.kernel.numpy())
    assert not np.array_equal(part.l2.kernel.numpy(), whole.l2.kernel.numpy())


def test_27_a_subset_matches_existing_objects_and_is_not_consumed(saved: tuple[Path, np.ndarray]) -> None:
    class OnlyFirst(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.l1 = dt.layers.Dense(5)

    subset = OnlyFirst()
    subset.l1(DATA)
    status = dt.checkpointing.Checkpoint(net=subset).restore(saved[0])
    status.assert_existing_objects_matched()
    with pytest.raises(dt.errors.CheckpointMismatchError, match="net/l2/kernel: in the checkpoint"):
        status.assert_consumed()


class Stack(dt.Module):
    """Variables in a list, one in a dict of lists."""

    def __init__(self, count: int = 0) -> None:
        super().__init__()
        self.items: list[Any] = [dt.Variable(float(place + 1)) for place in range(count)]
        self.named: dict[str, Any] = {"a": [dt.Variable(10.0)], "b": dt.Variable(11.0)} if count else {}


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A checkpoint of a Stack of three."""
    dt.checkpointing.Checkpoint(stack=Stack(3)).write(tmp_path / "c")
    return tmp_path / "c"


def appended(items: list[Any]) -> None:
    for _ in range(3):
        items.append(dt.Variable(0.0))


def inserted(items: list[Any]) -> None:
    for place in range(3):
        items.insert(place, dt.Variable(0.0))


def replaced(items: list[Any]) -> None:
    items.extend([None, None, None])
    for place in range(3):
        items[place] = dt.Variable(0.0)


GROW: dict[str, Callable[[list[Any]], Any]] = {
    "append": appended,
    "insert": inserted,
    "extend": lambda items: items.extend(dt.Variable(0.0) for _ in range(3)),
    "+=": lambda items: operator.iadd(items, [dt.Variable(0.0) for _ in range(3)]),
    "[place] =": replaced,
    "[:] =": lambda items: operator.setitem(items, slice(None), [dt.Variable(0.0) for _ in range(3)]),
}


@pytest.mark.parametrize("way", GROW)
def test_28_what_is_added_to_a_list_later_is_restored_before_it_is_used(stack: Path, way: str) -> None:
    growing = Stack()
    items = growing.items
    status = dt.checkpointing.Checkpoint(stack=growing).restore(stack)
    GROW[way](growing.items)
    assert [float(item) for item in growing.items] == [1.0, 2.0, 3.0]
    assert growing.items is items
    assert type(items) is list, "a module's containers stay what the user made them"
    assert status.waiting == ("stack/named/a/0", "stack/named/b")


def test_28_what_is_added_to_a_dict_later_and_to_lists_inside_is_restored(stack: Path) -> None:
    growing = Stack(0)
    status = dt.checkpointing.Checkpoint(stack=growing).restore(stack).expect_partial()
    growing.named["b"] = dt.Variable(0.0)
    assert float(growing.named["b"]) == 11.0
    growing.named.setdefault("a", []).append(dt.Variable(0.0))
    assert float(growing.named["a"][0]) == 10.0
    assert status.waiting == ("stack/items/0", "stack/items/1", "stack/items/2")
    again = Stack(0)
    dt.checkpointing.Checkpoint(stack=again).restore(stack)
    again.named.update(a=[dt.Variable(0.0)], b=dt.Variable(0.0))
    assert (float(again.named["a"][0]), float(again.named["b"])) == (10.0, 11.0)
    last = Stack(0)
    dt.checkpointing.Checkpoint(stack=last).restore(stack)
    last.named |= {"a": [], "c": []}
    last.named["a"] += [dt.Variable(0.0)]
    assert float(last.named["a"][0]) == 10.0


def test_28_layers_added_to_a_list_are_restored_when_they_are_built(tmp_path: Path) -> None:
    class Layers(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers: list[Any] = []

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x

    trained = Layers()
    trained.layers += [dt.layers.Dense(5), dt.layers.Dense(2)]
    expected = trained(DATA).numpy()
    dt.checkpointing.Checkpoint(net=trained).write(tmp_path / "c")
    for call in (lambda net: net, dt.function):
        fresh = Layers()
        with dt.checkpointing.Checkpoint(net=fresh).restore(tmp_path / "c"):
            fresh.layers.append(dt.layers.Dense(5))
            fresh.layers.append(dt.layers.Dense(2))
            result = call(fresh)(dt.constant(DATA))
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-6)
    one_by_one = Layers()
    dt.checkpointing.Checkpoint(net=one_by_one).restore(tmp_path / "c")
    one_by_one.layers.append(dt.layers.Dense(5))
    one_by_one(DATA)
    one_by_one.layers.append(dt.layers.Dense(2))
    np.testing.assert_array_equal(one_by_one(DATA).numpy(), expected)


def test_28_what_was_restored_once_is_the_users(stack: Path) -> None:
    growing = Stack(0)
    status = dt.checkpointing.Checkpoint(stack=growing).restore(stack).expect_partial()
    growing.items.append(dt.Variable(0.0))
    growing.items[0].assign(9.0)
    growing.items = [*growing.items, dt.Variable(0.0), dt.Variable(0.0)]
    assert [float(item) for item in growing.items] == [9.0, 2.0, 3.0]
    assert status.waiting == ("stack/named/a/0", "stack/named/b")


def test_28_a_list_beside_modules_counts_as_well(tmp_path: Path) -> None:
    dt.checkpointing.Checkpoint(items=[dt.Variable(1.0), dt.Variable(2.0)]).write(tmp_path / "c")
    items: list[Any] = []
    checkpoint = dt.checkpointing.Checkpoint(items=items)
    checkpoint.restore(tmp_path / "c")
    items.append(dt.Variable(0.0))
    assert float(items[0]) == 1.0
    items.append(dt.Variable(0.0))
    dt.checkpointing.Manager(tmp_path / "run").save(1, checkpoint)
    saved = dt.checkpointing.restore(dt.checkpointing.latest_checkpoint(tmp_path / "run")).tree
    assert saved["items"] == [1.0, 2.0], "saving looks for what was added too"


def test_29_sets_and_defaultdicts_of_variables_are_refused_and_plain_attributes_ignored(tmp_path: Path) -> None:
    module = dt.Module(name="module")
    module.v, module.number, module.text, module.rate = dt.Variable(1.0), 3, "words", 0.5
    dt.checkpointing.save(tmp_path / "c", module)
    assert dt.checkpointing.list_variables(tmp_path / "c") == [("v/.ATTRIBUTES/VARIABLE_VALUE", ())]
    module.number, module.text = 4, "other words"
    dt.checkpointing.restore(tmp_path / "c", module)
    assert (module.number, module.text) == (4, "other words")
    for bad in ({dt.Variable(1.0)}, defaultdict(list, a=dt.Variable(1.0))):
        module.bad = bad
        with pytest.raises(ValueError, match="attribute 'bad' of Module can't be searched"):
            dt.checkpointing.save(tmp_path / "bad", module)
    assert not (tmp_path / "bad").exists()


def test_29_the_same_in_nests(tmp_path: Path) -> None:
    module = dt.Module(name="module")
    module.nest = {"plain": [1, "x", 0.5, None, (2, {3: "y"})], "sets": {4}, "mixed": [dt.Variable(1.0), 7, {"a": "b"}]}
    dt.checkpointing.save(tmp_path / "c", module)
    assert dt.checkpointing.list_variables(tmp_path / "c") == [("nest/mixed/0/.ATTRIBUTES/VARIABLE_VALUE", ())]
    module.nest["plain"][0], module.nest["mixed"][1] = 5, 8
    module.nest["mixed"][0].assign(2.0)
    dt.checkpointing.restore(tmp_path / "c", module)
    assert (module.nest["plain"][0], module.nest["mixed"][1], float(module.nest["mixed"][0])) == (5, 8, 1.0)
    for bad in ([{"deep": {dt.Variable(1.0)}}], {"deep": (defaultdict(list, a=dt.layers.Dense(1)),)}):
        module.bad = bad
        with pytest.raises(ValueError, match="attribute 'bad' of Module can't be searched") as caught:
            dt.checkpointing.save(tmp_path / "bad", module)
        assert "deep" in str(caught.value)


class Training:
    """All that the guide resumes: step, network, optimizer slots, iterator; and a generator."""

    def __init__(self) -> None:
        self.step, self.net, self.optimizer = dt.Variable(0, dtype="int64"), built(), dt.optimizers.Adam(0.1)
        self.optimizer.build(self.net.trainable_variables)
        self.iterator, self.generator = Positions(DATA), dt.random.Generator(5)
        self.checkpoint = dt.checkpointing.Checkpoint(**vars(self))

    def run(self, steps: int) -> list[str]:
        losses = []
        for _ in range(steps):
            x = next(self.iterator) + self.generator.normal((1, 3), stddev=0.1)
            with dt.GradientTape() as tape:
                loss = dt.mean((self.net(x) - 1.0) ** 2)
            variables = self.net.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            self.step.assign_add(1)
            losses.append(float(loss).hex())
        return losses


def test_30_manager_keeps_max_to_keep_and_everything_resumes(tmp_path: Path) -> None:
    manager, training = dt.checkpointing.Manager(tmp_path / "run", max_to_keep=3), Training()
    for _ in range(4):
        training.run(2)
        manager.save(int(training.step), training.checkpoint)
    assert manager.steps == (4, 6, 8)
    newest = tmp_path / "run" / "step-000000000008"
    assert manager.latest() == dt.checkpointing.latest_checkpoint(tmp_path / "run") == newest
    expected = training.run(5)

    resumed = Training()
    manager.restore_latest(resumed.checkpoint)
    assert int(resumed.step) == int(resumed.optimizer.iterations) == 8
    assert resumed.iterator.position == 8
    assert resumed.run(5) == expected
