"""What is asked of an optimizer: state that is variables of its own, and steps that are right, the same each time, and
done whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import DovetailError
from dovetail_protocols.roles import Optimizer, VariableLike

from ..cases import SEED, Buffer
from ..host_variable import HostVariable
from ..numpy_dtypes import numpy_dtype
from ..tolerances import FACTORS, difference, unit
from .states import all_bits, buffer_of, hand_over, restore_values, signature, wrapped

Make = Callable[[], Any]
Formula = Callable[[Buffer, list[Buffer]], Iterable[Buffer]]
SHAPES = ((3,), (2, 2), ())
STEPS = 4
FORMULA_TOLERANCE = {"float32": 5e-6, "float64": 1e-7}
"""Relative to the larger of 1 and the value. A step rounds a dozen times, and each later step starts from rounded
state: 8 · 12 · ε / 2 is 6e-6 in float32, for values below 1. In float64 a learning rate that is held in float32, which
the role allows, is off by 6e-8 of itself."""


@dataclass(frozen=True, slots=True)
class Training:
    """An optimizer, the variables that it changes, and the gradients of each step, drawn from a fixed seed."""

    optimizer: Any
    variables: list[Any]
    dtype: str

    def gradients(self, step: int) -> list[Any]:
        """One array for each variable, with its shape and dtype."""
        return [wrapped(_drawn(self.dtype, one.meta.shape, 1, step, place)) for place, one in enumerate(self.variables)]

    def run(self, first: int, last: int) -> None:
        """Steps from `first` up to `last`, exclusive."""
        for step in range(first, last):
            self.optimizer.apply_gradients(zip(self.gradients(step), self.variables, strict=True))

    def bits(self) -> list[Any]:
        """Variables and state, to the bit."""
        return all_bits(self.everything())

    def everything(self) -> list[Any]:
        """Variables, then state."""
        return [*self.variables, *self.optimizer.variables]


def _drawn(dtype: str, shape: tuple[int, ...], *key: int) -> Buffer:
    return np.asarray(np.random.default_rng([SEED, *key]).normal(size=shape)).astype(numpy_dtype(dtype))


def training(make: Make, dtype: str = "float32", *, variable: Callable[..., Any] | None = None) -> Training:
    """A new optimizer and new variables, the same at each call."""
    new = provider().variable if variable is None else variable
    starts = [_drawn(dtype, shape, 0, place) for place, shape in enumerate(SHAPES)]
    return Training(make(), [new(start, name=f"variable_{place}") for place, start in enumerate(starts)], dtype)


def role_problems(make: Make) -> list[str]:
    """What it lacks of Optimizer; variables that aren't."""
    trained = training(make)
    if not isinstance(trained.optimizer, Optimizer):
        return [f"a {type(trained.optimizer).__name__} has no variables, build and apply_gradients"]
    trained.run(0, 1)
    state: Sequence[Any] = trained.optimizer.variables
    return [f"its state holds a {type(one).__name__}" for one in state if not isinstance(one, VariableLike)]


def state_problems(make: Make) -> list[str]:
    """Whether its state is variables of its own, made once, by `build` or the first step, in one order."""
    stepping, building, found = training(make), training(make), []
    building.optimizer.build(building.variables)
    made = signature(building.optimizer.variables)
    stepping.run(0, 1)
    state = list(stepping.optimizer.variables)
    if signature(state) != made:
        found.append("after build its state has other names, shapes, dtypes or order than after a first step")
    if len(set(map(id, state))) != len(state):
        found.append("a variable stands twice in its state")
    if set(map(id, state)) & set(map(id, stepping.variables)):
        found.append("its state holds a variable that it trains")
    found += [f"its state variable {one.name!r} says that it is trainable" for one in state if one.trainable]
    stepping.run(1, 3)
    if list(map(id, stepping.optimizer.variables)) != list(map(id, state)):
        found.append("later steps made, dropped or reordered variables of its state")
    return found


def determinism_problems(make: Make, dtype: str) -> list[str]:
    """Whether equal steps give equal bits, keep dtypes and shapes, and change every variable."""
    one, other = training(make, dtype), training(make, dtype)
    before = signature(one.variables)
    starts = all_bits(one.variables)
    one.run(0, 1)
    moved = all_bits(one.variables)
    one.run(1, STEPS)
    other.run(0, STEPS)
    found = [] if one.bits() == other.bits() else ["equal steps from equal variables gave different bits"]
    if signature(one.variables) != before or any(buffer_of(v).dtype != numpy_dtype(dtype) for v in one.variables):
        found.append("steps changed the shape or dtype of a variable")
    for variable, start, end in zip(one.variables, starts, moved, strict=True):
        if start == end:
            found.append(f"the first step left {variable.name!r}, {variable.meta}, as it was")
        elif not np.isfinite(buffer_of(variable)).all():
            found.append(f"{variable.name!r} isn't finite after {STEPS} steps with small gradients")
    return found


def formula_problems(make: Make, formula: Formula, dtype: str) -> list[str]:
    """Steps that differ from a closed form in float64."""
    trained, steps = training(make, dtype), 8
    place, found = 1, []
    gradients = [buffer_of(trained.gradients(step)[place]).astype(np.float64) for step in range(steps)]
    expected = iter(formula(buffer_of(trained.variables[place]).astype(np.float64), gradients))
    for step in range(steps):
        trained.run(step, step + 1)
        right = next(expected)
        off = np.abs(buffer_of(trained.variables[place]) - right)
        if not np.all(off <= FORMULA_TOLERANCE[dtype] * np.maximum(1.0, np.abs(right))):
            found.append(f"step {step + 1} in {dtype} is off its formula by {float(off.max()):.2g}")
    return found[:1]


def independence_problems(make: Make) -> list[str]:
    """Whether each variable is updated as it would be alone."""
    together, found = training(make), []
    together.run(0, STEPS)
    for place in range(len(SHAPES)):
        optimizer, alone = make(), training(make)
        for step in range(STEPS):
            optimizer.apply_gradients([(alone.gradients(step)[place], alone.variables[place])])
        if all_bits([alone.variables[place]]) != all_bits([together.variables[place]]):
            found.append(f"variable {place}, trained beside others, has other values than trained alone")
    return found


def missing_gradient_problems(make: Make) -> list[str]:
    """Whether a gradient None leaves its variable alone, and the others are updated all the same."""
    trained, found = training(make), []
    trained.run(0, 2)
    before = all_bits(trained.variables)
    gradients = trained.gradients(2)
    gradients[0] = None
    trained.optimizer.apply_gradients(zip(gradients, trained.variables, strict=True))
    after = all_bits(trained.variables)
    if after[0] != before[0]:
        found.append("a gradient None changed its variable")
    found += [f"beside a gradient None, variable {p} was not updated" for p in (1, 2) if after[p] == before[p]]
    trained.run(3, 4)
    if all_bits(trained.variables)[0] == after[0]:
        found.append("after a gradient None, a later gradient changes nothing")
    return found


def refusal_problems(make: Make) -> list[str]:
    """Whether calls that can't be meant raise before anything is changed."""
    found = []
    for what, pairs_of in REFUSED.items():
        for is_new in (True, False):
            trained = training(make)
            if not is_new:
                trained.run(0, 1)
            pairs, before = pairs_of(trained), trained.bits()
            when = "at the first step" if is_new else "at a later step"
            try:
                trained.optimizer.apply_gradients(pairs)
            except (DovetailError, ValueError, TypeError):
                if trained.bits()[: len(SHAPES)] != before[: len(SHAPES)] or (not is_new and trained.bits() != before):
                    found.append(f"{what} {when} was refused, but changed something")
            except Exception as error:  # noqa: BLE001 - an optimizer may raise anything; only some of it helps
                found.append(f"{what} {when} raised {type(error).__name__}: {error}")
            else:
                found.append(f"{what} {when} was accepted")
    return found


def _wrong_shape(trained: Training) -> list[Any]:
    gradients = trained.gradients(1)
    return list(zip([*gradients[:-1], wrapped(_drawn(trained.dtype, (5,), 2))], trained.variables, strict=True))


def _too_few(trained: Training) -> list[Any]:
    pairs: list[Any] = list(zip(trained.gradients(1), trained.variables, strict=True))
    return [*pairs[:-1], (pairs[-1][0],)]


def _twice(trained: Training) -> list[Any]:
    pairs = list(zip(trained.gradients(1), trained.variables, strict=True))
    return [*pairs, (trained.gradients(2)[0], trained.variables[0])]


REFUSED = {
    "a gradient of another shape": _wrong_shape,
    "a gradient without a variable": _too_few,
    "a variable that stands twice": _twice,
}


def foreign_variable_problems(make: Make) -> list[str]:
    """Whether variables of any class are changed as those of the tensor package are."""
    own, foreign = training(make), training(make, variable=HostVariable)
    own.run(0, STEPS)
    foreign.run(0, STEPS)
    if all_bits(own.variables) != all_bits(foreign.variables):
        return ["variables that are no more than VariableLike get other values than those of the tensor package"]
    return []


def resuming_problems(make: Make, dtype: str) -> list[str]:
    """Whether a new optimizer that is given the state goes on as the old one would, to the bit."""
    going_on, resumed = training(make, dtype), training(make, dtype)
    going_on.run(0, STEPS)
    resumed.optimizer.build(resumed.variables)
    restore_values(resumed.variables, all_bits(going_on.variables))
    found = hand_over(going_on.optimizer, resumed.optimizer)
    going_on.run(STEPS, 2 * STEPS)
    resumed.run(STEPS, 2 * STEPS)
    if not found and going_on.bits() != resumed.bits():
        found.append("a training resumed from its state goes on with other bits than the one that never stopped")
    return found


def tracing_problems(make: Make, traced: Callable[..., Any]) -> list[str]:
    """How traced steps differ from eager ones."""
    eager, given = training(make), training(make)
    step_of = traced(lambda *gradients: _applied(given, gradients))
    eager.run(0, STEPS)
    for step in range(STEPS):
        step_of(*given.gradients(step))
    found = []
    for one, other in zip(given.everything(), eager.everything(), strict=True):
        text = difference(buffer_of(one), buffer_of(other), unit(buffer_of(one).dtype), FACTORS["default"])
        if text:
            found.append(f"traced, {one.name!r} differs after {STEPS} steps: {text}")
    return found


def _applied(trained: Training, gradients: Sequence[Any]) -> Any:
    trained.optimizer.apply_gradients(zip(gradients, trained.variables, strict=True))
    return ops.read_variable(trained.variables[0])


def assignment_problems(make: Make, traced: Callable[..., Any] | None) -> list[str] | None:
    """Whether a learning rate that is assigned is the one in force; None where there is none to assign."""
    found: list[str] = []
    for way in _ways(traced):
        trained = training(make)
        if not hasattr(trained.optimizer, "learning_rate"):
            return None
        trained.optimizer.build(trained.variables)
        step_of = _stepping(trained, way)
        try:
            trained.optimizer.learning_rate = 0.0
        except (AttributeError, DovetailError):
            return None
        before = all_bits(trained.variables)
        step_of(*trained.gradients(0))
        if all_bits(trained.variables) != before:
            found.append(f"{_named(way)} with the learning rate 0 changed variables")
        trained.optimizer.learning_rate = 0.5
        before = all_bits(trained.variables)
        step_of(*trained.gradients(1))
        if any(one == other for one, other in zip(all_bits(trained.variables), before, strict=True)):
            found.append(f"{_named(way)} after the learning rate was assigned anew left variables as they were")
    return found


def schedule_problems(scheduled: Callable[[Any], Any], traced: Callable[..., Any] | None) -> list[str]:
    """Whether a schedule that is 0 at step 0 and 0.5 from step 1 on is followed."""

    def schedule(step: Any) -> Any:
        return ops.multiply(ops.cast(ops.minimum(step, 1), dtype="float32"), 0.5)

    found = []
    for way in _ways(traced):
        trained = training(lambda: scheduled(schedule))
        step_of = _stepping(trained, way)
        for step, moves in enumerate((False, True)):
            before = all_bits(trained.variables)
            step_of(*trained.gradients(step))
            moved = [one != other for one, other in zip(all_bits(trained.variables), before, strict=True)]
            if moved != [moves] * len(moved):
                what = "left" if moves else "changed"
                found.append(f"{_named(way)} {step} with the learning rate {0.5 * moves} {what} variables")
    return found


def _ways(traced: Callable[..., Any] | None) -> list[Callable[..., Any] | None]:
    """Eager steps, and traced ones where something traces."""
    return [None] if traced is None else [None, traced]


def _stepping(trained: Training, way: Callable[..., Any] | None) -> Callable[..., Any]:
    def step(*gradients: Any) -> Any:
        return _applied(trained, gradients)

    return step if way is None else way(step)


def _named(way: Callable[..., Any] | None) -> str:
    return "a step" if way is None else "a traced step"
