"""Modules with one fault each, and honest ones. None has a class of Dovetail's as its base."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import ShapeError

from . import Mutant

SEEDS = count()
FEATURES = 3


def drawn(*shape: int, name: str, trainable: bool = True) -> Any:
    """A variable with values that no other has."""
    values = np.random.default_rng(next(SEEDS)).normal(size=shape).astype(np.float32)
    return provider().variable(values, name=name, trainable=trainable)


class Honest:
    """x · kernel, times each of a list of scales, plus bias; variables are made at the first call."""

    name = "affine"

    def __init__(self) -> None:
        self.kernel: Any = None
        self.scales: list[Any] = []
        self.bias: Any = None

    @property
    def variables(self) -> list[Any]:
        return [] if self.kernel is None else [self.bias, self.kernel, *self.scales]

    @property
    def trainable_variables(self) -> list[Any]:
        return [variable for variable in self.variables if variable.trainable]

    def build(self, features: int) -> None:
        self.kernel, self.bias = drawn(features, 2, name="kernel"), drawn(2, name="bias")
        self.scales = [drawn(2, name="scale") for _ in range(2)]

    def __call__(self, x: Any) -> Any:
        self.check(x)
        if self.kernel is None:
            self.build(x.shape[-1])
        y = ops.matmul(x, self.kernel)
        for scale in self.scales:
            y = ops.multiply(y, scale)
        return ops.add(y, self.bias)

    def check(self, x: Any) -> None:
        if x.shape[-1] != FEATURES:
            raise ShapeError(f"{self.name}: wrong number of features", expected=FEATURES, got=x.shape)

    def checkpoint_state(self) -> Mapping[str, Any]:
        children = {"kernel": self.kernel, "bias": self.bias, "scales": Holder(self.scales)}
        return children if self.kernel is not None else {}

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        pass


class Holder:
    """A list's checkpoint state."""

    def __init__(self, children: list[Any]) -> None:
        self.children = children

    def checkpoint_state(self) -> Mapping[str, Any]:
        return {str(place): child for place, child in enumerate(self.children)}

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        pass


class HonestWithoutCheckpoints:
    """Variables made by the constructor, no names, no checkpoints, no copies."""

    def __init__(self) -> None:
        self.factor = drawn(3, name="factor")
        self.steps = provider().variable(0, name="steps", trainable=False)

    @property
    def variables(self) -> tuple[Any, ...]:
        return (self.factor, self.steps)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        return (self.factor,)

    def __call__(self, x: Any) -> Any:
        ops.assign_variable(self.steps, ops.add(ops.read_variable(self.steps), 1))
        return [ops.multiply(x, self.factor)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("no copies")


# ---------------------------------------------------------------------- variables


class DropsAList(Honest):
    @property
    def variables(self) -> list[Any]:
        return super().variables[:2]


class NamesNothing(Honest):
    def build(self, features: int) -> None:
        super().build(features)
        self.kernel.name = ""


class Reorders(Honest):
    readings = 0

    @property
    def variables(self) -> list[Any]:
        self.readings += 1
        return super().variables[:: 1 if self.readings % 2 else -1]


class ListsTwice(Honest):
    @property
    def variables(self) -> list[Any]:
        return [*super().variables, self.kernel] if self.kernel is not None else []


class OrdersByIdentity(Honest):
    made = count()

    def build(self, features: int) -> None:
        super().build(features)
        self.turned = next(self.made) % 2

    @property
    def variables(self) -> list[Any]:
        return super().variables[:: -1 if self.kernel is not None and self.turned else 1]


class TrainsWhatIsFrozen(Honest):
    def build(self, features: int) -> None:
        super().build(features)
        self.bias = drawn(2, name="bias", trainable=False)

    @property
    def trainable_variables(self) -> list[Any]:
        return self.variables


class RebuildsForABatch(Honest):
    batch: Any = None

    def __call__(self, x: Any) -> Any:
        if x.shape[0] != self.batch:
            self.build(x.shape[-1])
            self.batch = x.shape[0]
        return super().__call__(x)


class DrawsAnew(Honest):
    def __call__(self, x: Any) -> Any:
        if self.kernel is not None:
            self.kernel.replace(drawn(*self.kernel.meta.shape, name="kernel").payload)
        return super().__call__(x)


# ---------------------------------------------------------------------- calls


class MovesInInference(Honest):
    def build(self, features: int) -> None:
        super().build(features)
        self.bias = drawn(2, name="mean", trainable=False)

    def __call__(self, x: Any) -> Any:
        y = super().__call__(x)
        ops.assign_variable(self.bias, ops.mean(y, axis=0))
        return y


class CountsCalls(Honest):
    calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return ops.multiply(super().__call__(x), float(self.calls))


class ReadsTheBuffer(Honest):
    def __call__(self, x: Any) -> Any:
        y = super().__call__(x)
        return ops.add(y, provider().convert(self.kernel.payload.sum()))


class LooksAtValues(Honest):
    def __call__(self, x: Any) -> Any:
        y = super().__call__(x)
        return y if float(ops.sum(x).payload) < 1e9 else ops.negative(y)


class StopsGradients(Honest):
    def __call__(self, x: Any) -> Any:
        self.check(x)
        y = super().__call__(x)
        return ops.add(ops.stop_gradient(ops.subtract(y, self.bias)), self.bias)


class RefusesNamelessly(Honest):
    def check(self, x: Any) -> None:
        if x.shape[-1] != FEATURES:
            raise ShapeError("wrong number of features")


class BreaksWhenRefusing(Honest):
    def check(self, x: Any) -> None:
        if self.bias is not None:
            self.bias.replace(np.zeros(2, np.float32))
        super().check(x)


class BuildsBeforeRefusing(Honest):
    def check(self, x: Any) -> None:
        if self.kernel is None:
            self.build(x.shape[-1])
        super().check(x)


class TakesAnything(Honest):
    def __call__(self, x: Any) -> Any:
        return super().__call__(x[..., :FEATURES])


# ---------------------------------------------------------------------- state


class ForgetsItsBias(Honest):
    def checkpoint_state(self) -> Mapping[str, Any]:
        return {name: child for name, child in super().checkpoint_state().items() if name != "bias"}


class HonestInParts(Honest):
    def checkpoint_state_of(self, name: str) -> Mapping[str, Any]:
        return {child: value for child, value in self.checkpoint_state().items() if child.partition("/")[0] == name}

    def state_containers(self) -> list[Any]:
        return [self.scales]


class GivesAllForAPart(HonestInParts):
    def checkpoint_state_of(self, name: str) -> Mapping[str, Any]:
        return self.checkpoint_state()


class KeepsAWeightToItself(Honest):
    def build(self, features: int) -> None:
        super().build(features)
        self.secret = float(np.random.default_rng(next(SEEDS)).normal())

    def __call__(self, x: Any) -> Any:
        y = super().__call__(x)
        return ops.multiply(y, self.secret)


class SharesWithItsCopy(Honest):
    def __deepcopy__(self, memo: Any) -> Any:
        other = type(self)()
        vars(other).update(vars(self))
        return other


def suite_of(kind: type, *, limits: Path | None = None, **more: Any) -> type:
    """The suite for one module, called on a few rows."""
    import dovetail_functions
    from dovetail_conformance import ModuleCase, array, module_suite

    case = ModuleCase(
        name="affine",
        make=kind,
        inputs=(array(4, FEATURES),),
        **({"others": ((array(2, FEATURES),),), "refused": ((array(4, FEATURES + 1),),)} | more),
    )
    return module_suite([case], traced=dovetail_functions.function, limits=limits)


def suite_of_none() -> type:
    from dovetail_conformance import module_suite

    return module_suite([])


def mutant(kind: type, what: str, *caught_by: str, **more: Any) -> Mutant:
    suite = partial(suite_of, kind, **more)
    return Mutant(name=kind.__name__, what=what, caught_by=frozenset(caught_by), suite=suite)


ORDER = "variables_come_once_and_in_order"
MUTANTS = (
    mutant(Honest, "variables are made at the first call, some in a list"),
    mutant(HonestInParts, "gives its state part by part too"),
    mutant(HonestWithoutCheckpoints, "no names, no checkpoints, no copies; counts its calls", updates=True, refused=()),
    Mutant(
        name="Nothing",
        what="no module is described",
        caught_by=frozenset({"something_is_tried"}),
        suite=suite_of_none,
    ),
    mutant(NamesNothing, "has a variable without a name", "has_its_role"),
    mutant(DropsAList, "doesn't list the variables of a list", "every_variable_is_found"),
    mutant(Reorders, "lists its variables backwards every second time", ORDER),
    mutant(ListsTwice, "lists a variable twice", ORDER),
    mutant(OrdersByIdentity, "has another order in each object", ORDER),
    mutant(TrainsWhatIsFrozen, "lists a frozen variable as trainable", ORDER),
    mutant(RebuildsForABatch, "makes its variables anew for another batch size", "builds_once"),
    mutant(DrawsAnew, "draws other weights at the second call", "builds_once", "calls_are_pure"),
    mutant(MovesInInference, "moves an average at each call, undeclared", "calls_are_pure"),
    mutant(CountsCalls, "gives what depends on the number of calls", "calls_are_pure"),
    mutant(ReadsTheBuffer, "reads a buffer past the operations", "traced_equals_eager"),
    mutant(LooksAtValues, "chooses by a value, which a trace doesn't have", "traced_equals_eager"),
    mutant(StopsGradients, "stops gradients on their way to its kernel", "gradients_reach_variables"),
    mutant(RefusesNamelessly, "raises without its name", "wrong_inputs_are_refused"),
    mutant(BreaksWhenRefusing, "changes a variable before it refuses", "wrong_inputs_are_refused"),
    mutant(
        BuildsBeforeRefusing, "makes variables of wrong shapes for inputs that it refuses", "wrong_inputs_are_refused"
    ),
    mutant(TakesAnything, "cuts off features that it wasn't built for", "wrong_inputs_are_refused"),
    mutant(ForgetsItsBias, "leaves a variable out of its checkpoint", "state_can_be_handed_over"),
    mutant(GivesAllForAPart, "gives its whole state for each attribute", "state_can_be_handed_over"),
    mutant(KeepsAWeightToItself, "holds a number that is no variable", "state_can_be_handed_over"),
    mutant(SharesWithItsCopy, "shares its variables with a deep copy", "copies_are_apart"),
)
