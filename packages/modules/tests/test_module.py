"""The checklist of TensorFlow's module guide, one test for each line; docs/status.md maps the numbers."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest

from dovetail_modules import Module, layers
from dovetail_protocols.errors import InvalidNameError, ShapeError, StructureError, UninitializedError
from dovetail_protocols.naming import current_scope
from dovetail_tensors import Tensor, Variable, constant


class SimpleModule(Module):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)
        self.a_variable = Variable(5.0, name="train_me")
        self.non_trainable_variable = Variable(5.0, trainable=False, name="do_not_train_me")

    def __call__(self, x: Any) -> Any:
        return self.a_variable * x + self.non_trainable_variable


class MyDense(Module):
    pass


class Holder(Module):
    """Holds what it is given."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)


def names(variables: Any) -> list[str]:
    return [variable.name for variable in variables]


def ids(objects: Any) -> list[int]:
    """For comparison by identity: variables compare by value."""
    return [id(one) for one in objects]


def named(name: str) -> Variable:
    return Variable(1.0, name=name)


# ---------------------------------------------------------------------- identity


def test_01_name_is_the_one_given() -> None:
    assert SimpleModule(name="simple").name == "simple"


def test_02_default_name_is_the_class_name_in_snake_case() -> None:
    assert MyDense().name == "my_dense"
    assert SimpleModule().name == "simple_module"
    assert type("HTTPServer2Layer", (Module,), {})().name == "http_server2_layer"


@pytest.mark.parametrize("name", ["1st", "a-b", "a b", ""])
def test_03_a_name_that_is_no_identifier_raises(name: str) -> None:
    with pytest.raises(InvalidNameError, match="no valid name") as caught:
        SimpleModule(name=name)
    assert isinstance(caught.value, ValueError)


class Outer(Module):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        with self.name_scope:
            self.inner = SimpleModule(name="inner")

    def plain(self) -> str:
        return current_scope()

    @Module.with_name_scope
    def scoped(self) -> str:
        return current_scope()


def test_04_name_scope_includes_enclosing_scopes_and_name_does_not() -> None:
    outer = Outer("outer")
    with outer.inner.name_scope as scope:
        assert scope == "outer/inner/"
    assert outer.inner.name == "inner"


def test_05_only_methods_with_name_scope_enter_it() -> None:
    outer = Outer("outer")
    assert outer.plain() == ""
    assert outer.scoped() == "outer/"
    assert current_scope() == ""


def test_06_simple_module_is_30_and_any_method_may_be_the_forward_pass() -> None:
    assert float(SimpleModule()(constant(5.0))) == 30.0

    class Forward(SimpleModule):
        def predict(self, x: Any) -> Any:
            return SimpleModule.__call__(self, x) * 2.0

    assert float(Forward().predict(constant(5.0))) == 60.0


# ---------------------------------------------------------------------- discovery


def test_07_variables_need_no_registration() -> None:
    simple = SimpleModule()
    assert ids(simple.variables) == ids([simple.a_variable, simple.non_trainable_variable])
    assert names(simple.trainable_variables) == ["train_me"]


def test_08_variables_that_are_not_trainable_are_only_in_variables() -> None:
    simple = SimpleModule()
    assert names(simple.variables) == ["train_me", "do_not_train_me"]
    assert names(simple.non_trainable_variables) == ["do_not_train_me"]


def test_09_own_attributes_come_first_sorted_by_name_then_submodules() -> None:
    deep = Holder(z=named("deep"))
    first = Holder(v=named("first"), child=deep)
    second = Holder(v=named("second"))
    top = Holder(b=second, a=first, z=named("own_z"), c=named("own_c"))
    # Each submodule's own variables, then its submodules', as in TensorFlow's code.
    assert names(top.variables) == ["own_c", "own_z", "first", "deep", "second"]
    assert ids(top.submodules) == ids([first, second, deep])


def test_10_containers_are_searched_however_nested() -> None:
    Pair = namedtuple("Pair", ["left", "right"])
    module = Holder(
        listed=[named("list"), {"b": named("dict_b"), "a": [named("dict_a")]}],
        paired=Pair(named("left"), Holder(v=named("in_module"))),
        tupled=(named("tuple"), OrderedDict(k=named("ordered"))),
    )
    assert set(names(module.variables)) == {"list", "dict_a", "dict_b", "left", "in_module", "tuple", "ordered"}
    assert list(module.named_variables()) == [
        *("listed/0", "listed/1/a/0", "listed/1/b", "paired/left", "tupled/0", "tupled/1/k"),
        "paired/right/v",
    ]


def test_11_what_is_shared_appears_once_and_cycles_end() -> None:
    shared = named("shared")
    child = Holder(v=shared)
    parent = Holder(a=child, b=child, c=shared)
    parent.me, child.parent = parent, parent
    assert names(parent.variables) == ["shared"]
    assert ids(parent.submodules) == [id(child)]


def test_12_submodules_are_transitive_and_exclude_the_module() -> None:
    deep = Holder()
    middle = Holder(deep=[deep])
    assert ids(Holder(middle=middle).submodules) == ids([middle, deep])


def test_13_results_are_tuples_computed_anew() -> None:
    module = Holder()
    assert module.variables == ()
    module.late = named("late")
    assert isinstance(module.variables, tuple)
    assert names(module.variables) == ["late"]


def test_14_there_is_no_trainable_flag_of_a_module() -> None:
    assert not hasattr(Module(), "trainable")


@pytest.mark.parametrize("container", ["set", "defaultdict", "mixed keys", "holds itself"])
def test_15_an_attribute_that_cannot_be_searched_raises_and_is_named(container: str) -> None:
    variable = named("v")
    itself: list[Any] = [variable]
    itself.append(itself)
    module = Holder(
        bad={
            "set": {variable},
            "defaultdict": defaultdict(list, a=variable),
            "mixed keys": {1: variable, "a": 2},
            "holds itself": itself,
        }[container]
    )
    with pytest.raises(StructureError, match="attribute 'bad' of Holder") as caught:
        module.variables  # noqa: B018 - the property does the work
    assert isinstance(caught.value, ValueError)


# ---------------------------------------------------------------------- deferred build


class FlexibleDense(Module):
    """The guide's: makes its variables at its first call."""

    def __init__(self, out_features: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self.is_built = False
        self.out_features = out_features

    def __call__(self, x: Any) -> Any:
        if not self.is_built:
            self.w = Variable(np.ones((x.shape[-1], self.out_features), np.float32), name="w")
            self.b = Variable(np.zeros(self.out_features, np.float32), name="b")
            self.is_built = True
        return x @ self.w + self.b


def test_16_flexible_dense_has_no_variables_before_its_first_call() -> None:
    assert FlexibleDense(3).variables == ()


def test_17_the_first_call_makes_w_and_b_and_the_second_none() -> None:
    dense = FlexibleDense(3)
    dense(constant([[2.0, 2.0]]))
    assert {variable.name: variable.shape for variable in dense.variables} == {"w": (2, 3), "b": (3,)}
    before = dense.variables
    dense(constant([[1.0, 2.0]]))
    assert ids(dense.variables) == ids(before)


def test_18_another_width_later_raises() -> None:
    dense = layers.Dense(3)
    dense(constant([[1.0, 2.0]]))
    with pytest.raises(ShapeError, match="features differ") as caught:
        dense(constant([[1.0, 2.0, 3.0]]))
    assert "module: dense" in str(caught.value)
    assert "in_features" in str(caught.value)


def test_19_chained_deferred_layers_find_their_widths() -> None:
    model = layers.Sequential([layers.Dense(5), layers.Dense(2)])
    model(constant([[1.0, 2.0, 3.0]]))
    assert {path: variable.shape for path, variable in model.named_variables().items()} == {
        "layers/0/bias": (5,),
        "layers/0/kernel": (3, 5),
        "layers/1/bias": (2,),
        "layers/1/kernel": (5, 2),
    }


def test_20_build_runs_exactly_once() -> None:
    built = []

    class Counting(layers.Layer):
        def build(self, input_shape: tuple[int, ...]) -> None:
            built.append(input_shape)

        def call(self, x: Any) -> Any:
            return x

    layer = Counting()
    for _ in range(3):
        layer(constant([[1.0, 2.0]]))
    assert built == [(1, 2)]


# ---------------------------------------------------------------------- Keras


def test_40_nested_layers_are_collected() -> None:
    inner = layers.Sequential([layers.Dense(2)])
    model = layers.Sequential([inner, layers.Dense(3)])
    model(constant([[1.0]]))
    assert len(model.variables) == 4


def test_41_get_config_and_from_config_clone() -> None:
    layer = layers.Conv2D(8, (3, 5), padding="same", activation="relu", name="first")
    clone = layers.Conv2D.from_config(layer.get_config())
    assert clone.get_config() == layer.get_config()
    assert (clone.filters, clone.kernel_size, clone.padding, clone.name) == (8, (3, 5), "same", "first")
    assert clone.variables == ()


def test_43_a_plain_module_inside_a_layer_is_collected() -> None:
    class Wrapping(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inside = SimpleModule()

        def call(self, x: Any) -> Any:
            return self.inside(x)

    layer = Wrapping()
    assert names(layer.variables) == ["train_me", "do_not_train_me"]
    assert float(layer(constant(5.0))) == 30.0


# ---------------------------------------------------------------------- beyond the checklist


def test_a_foreign_object_that_supports_variables_is_found() -> None:
    class Foreign:
        def __init__(self) -> None:
            self.variables = [named("foreign")]
            self.trainable_variables = self.variables

    assert names(Holder(foreign=Foreign()).variables) == ["foreign"]


def test_a_forgotten_super_init_is_caught() -> None:
    class Forgetful(Module):
        def __init__(self) -> None:
            pass

    with pytest.raises(UninitializedError, match=r"super\(\).__init__"):
        Forgetful().name  # noqa: B018 - the property does the work


def test_a_layer_without_forward_pass_says_so() -> None:
    with pytest.raises(UninitializedError, match="no forward pass"):
        layers.Layer()(constant(1.0))


def test_errors_name_the_path_of_the_layer() -> None:
    model = layers.Sequential([layers.Sequential([layers.Dense(2, name="narrow")], name="inner")], name="outer")
    model(constant([[1.0]]))
    with pytest.raises(ShapeError) as caught:
        model(constant([[1.0, 2.0]]))
    assert "module: outer/inner/narrow" in str(caught.value)


def test_layers_convert_numbers_and_lists() -> None:
    result = layers.Activation("relu")([[-1.0, 2.0]])
    assert isinstance(result, Tensor)
    assert result.numpy().tolist() == [[0.0, 2.0]]


def test_repr_shows_the_constructor() -> None:
    assert repr(layers.Dense(3, activation="relu")) == "Dense(3, activation='relu')"


def test_an_observer_hears_of_attributes_that_are_set_later() -> None:
    module, heard = Holder(early=1), list[str]()
    module.observe_state(heard.append)
    module.v = named("late")
    module.v = named("again")
    module.observe_state(None)
    module.w = named("unheard")
    assert heard == ["v", "v"]
    assert names(module.variables) == ["again", "unheard"]


def test_state_is_given_part_by_part() -> None:
    pair = (Variable(2.0), [])
    holder = Holder(inner={"a": [Variable(1.0)]}, count=3, words=["x"], pair=pair)
    parts = [holder.checkpoint_state_of(name) for name in ("count", "inner", "pair", "words")]
    assert {name: id(child) for part in parts for name, child in part.items()} == {
        name: id(child) for name, child in holder.checkpoint_state().items()
    }
    assert holder.checkpoint_state_of("nothing") == holder.checkpoint_state_of("_name") == {}
    expected = [holder.inner, holder.inner["a"], holder.pair[1], holder.words]
    assert list(map(id, holder.state_containers())) == list(map(id, expected))


@pytest.mark.parametrize("items", [{"a/b": 1.0, "a": {"b": 2.0}}, {"x": {"0": 1.0}, "x/0": 2.0}])
def test_children_whose_paths_read_alike_are_refused(items: dict[str, Any]) -> None:
    module = Module(name="module")
    module.items = {
        key: {name: Variable(inner) for name, inner in value.items()} if isinstance(value, dict) else Variable(value)
        for key, value in items.items()
    }
    with pytest.raises(StructureError, match="two children of Module have the same path") as caught:
        module.checkpoint_state()
    assert "items/" in str(caught.value)


def test_an_observer_hears_of_attributes_that_are_set_and_deleted() -> None:
    module, heard = Module(name="module"), []
    module.observe_state(heard.append)
    module.a = 1
    del module.a
    module.observe_state(None)
    module.b = 2
    assert heard == ["a", "a"]
    with pytest.raises(AttributeError):
        del module.a
