"""Optimizers with one fault each, and honest ones: Adam and plain descent, of no class of Dovetail's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import ShapeError, StructureError

from . import Mutant

RATE, BETA_1, BETA_2, EPSILON = 0.01, 0.9, 0.99, 1e-6


def formula(value: Any, gradients: list[Any]) -> Iterator[Any]:
    """Adam in NumPy. Source: D. Kingma, J. Ba, Adam, 2015, algorithm 1."""
    first, second = np.zeros_like(value), np.zeros_like(value)
    for step, gradient in enumerate(gradients, start=1):
        first = BETA_1 * first + (1 - BETA_1) * gradient
        second = BETA_2 * second + (1 - BETA_2) * gradient**2
        value = value - RATE * (first / (1 - BETA_1**step)) / (np.sqrt(second / (1 - BETA_2**step)) + EPSILON)
        yield value


class Honest:
    """Adam, with a learning rate that can be assigned or follows a schedule."""

    def __init__(self, rate: Any = RATE) -> None:
        self.schedule = rate if callable(rate) else None
        self.step = provider().variable(0, name="step", trainable=False)
        self.rate = provider().variable(0.0 if callable(rate) else rate, name="rate", trainable=False)
        self.slots: dict[int, tuple[Any, Any]] = {}

    # ------------------------------------------------------------------ state

    @property
    def variables(self) -> list[Any]:
        return [self.step, self.rate, *(slot for slots in self.slots.values() for slot in slots)]

    @property
    def learning_rate(self) -> Any:
        if self.schedule is not None:
            return self.schedule(ops.read_variable(self.step))
        return ops.read_variable(self.rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        ops.assign_variable(self.rate, provider().convert(value))

    def build(self, variables: Any) -> None:
        for variable in variables:
            if id(variable) not in self.slots:
                self.slots[id(variable)] = self.new_slots(variable)

    def new_slots(self, variable: Any) -> tuple[Any, Any]:
        zeros = ops.full(shape=variable.meta.shape, fill_value=0, dtype=variable.meta.dtype)
        first, second = [provider().variable(zeros, name=name, trainable=False) for name in ("first", "second")]
        return first, second

    def checkpoint_state(self) -> Mapping[str, Any]:
        return {str(place): variable for place, variable in enumerate(self.variables)}

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        pass

    # ------------------------------------------------------------------ steps

    def apply_gradients(self, pairs: Any) -> None:
        pairs = [(gradient, variable) for gradient, variable in pairs]
        self.check(pairs)
        self.build([variable for _, variable in pairs])
        rate = self.learning_rate
        ops.assign_variable(self.step, ops.add(ops.read_variable(self.step), 1))
        for gradient, variable in pairs:
            if gradient is not None:
                self.update(variable, gradient, rate)

    def check(self, pairs: list[Any]) -> None:
        if len({id(variable) for _, variable in pairs}) != len(pairs):
            raise StructureError("a variable stands twice")
        if any(gradient is not None and gradient.shape != variable.meta.shape for gradient, variable in pairs):
            raise ShapeError("a gradient has another shape than its variable")

    def update(self, variable: Any, gradient: Any, rate: Any) -> None:
        first, second = self.slots[id(variable)]
        dtype = variable.meta.dtype
        step = ops.cast(ops.read_variable(self.step), dtype=dtype)
        mean = ops.read_variable(first) * BETA_1 + gradient * (1 - BETA_1)
        square = ops.read_variable(second) * BETA_2 + gradient * gradient * (1 - BETA_2)
        change = self.corrected(mean, BETA_1, step) / (ops.sqrt(self.corrected(square, BETA_2, step)) + EPSILON)
        self.assign(variable, ops.read_variable(variable) - ops.cast(rate, dtype=dtype) * change)
        ops.assign_variable(first, mean)
        ops.assign_variable(second, square)

    def corrected(self, average: Any, beta: float, step: Any) -> Any:
        return average / (1.0 - ops.exp(step * float(np.log(beta))))

    def assign(self, variable: Any, value: Any) -> None:
        ops.assign_variable(variable, value)


class HonestDescent:
    """variable - 0.1 · gradient: no state, no learning rate to assign."""

    variables = ()

    def build(self, variables: Any) -> None:
        pass

    def apply_gradients(self, pairs: Any) -> None:
        pairs = [(gradient, variable) for gradient, variable in pairs]
        Honest.check(self, pairs)  # type: ignore[arg-type] # it uses nothing of its object
        for gradient, variable in pairs:
            if gradient is not None:
                ops.assign_variable(variable, ops.read_variable(variable) - gradient * 0.1)


# ---------------------------------------------------------------------- state


class SharesState(Honest):
    def __init__(self, rate: Any = RATE) -> None:
        super().__init__(rate)
        self.size = provider().variable(1.0, name="size", trainable=False)

    @property
    def variables(self) -> list[Any]:
        return [self.size, *super().variables]

    def update(self, variable: Any, gradient: Any, rate: Any) -> None:
        size = ops.read_variable(self.size) * 0.9 + ops.cast(ops.mean(gradient * gradient), dtype="float32")
        ops.assign_variable(self.size, size)
        super().update(variable, gradient / ops.cast(size, dtype=gradient.dtype), rate)


class StatesBuffers(Honest):
    @property
    def variables(self) -> list[Any]:
        return [self.step.payload, *super().variables[1:]]


class StatesWhatItTrains(Honest):
    trained: Any = ()

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.trained = variables

    @property
    def variables(self) -> list[Any]:
        return [*super().variables, *self.trained]


class GrowsLater(Honest):
    calls = 0

    def apply_gradients(self, pairs: Any) -> None:
        super().apply_gradients(pairs)
        self.calls += 1
        if self.calls == 2:
            self.slots[0] = self.new_slots(self.step)


class LosesASlot(Honest):
    def checkpoint_state(self) -> Mapping[str, Any]:
        return {name: value for name, value in super().checkpoint_state().items() if name in "012"}


class CountsInPython(Honest):
    count = 0

    def apply_gradients(self, pairs: Any) -> None:
        pairs = [(gradient, variable) for gradient, variable in pairs]
        self.check(pairs)
        self.count += 1
        super().apply_gradients(pairs)

    def corrected(self, average: Any, beta: float, step: Any) -> Any:
        return average / (1.0 - beta**self.count)


# ---------------------------------------------------------------------- steps


class CorrectsOffByOne(Honest):
    def corrected(self, average: Any, beta: float, step: Any) -> Any:
        return super().corrected(average, beta, step + 1.0)


class ComputesInFloat32(Honest):
    def assign(self, variable: Any, value: Any) -> None:
        super().assign(variable, ops.cast(ops.cast(value, dtype="float32"), dtype=variable.meta.dtype))


class Jitters(Honest):
    generator = np.random.default_rng()

    def update(self, variable: Any, gradient: Any, rate: Any) -> None:
        super().update(variable, gradient * float(self.generator.uniform(0.5, 1.5)), rate)


class Ascends(Honest):
    def update(self, variable: Any, gradient: Any, rate: Any) -> None:
        super().update(variable, ops.negative(gradient), rate)


class TakesNoneForZero(Honest):
    def apply_gradients(self, pairs: Any) -> None:
        zeros = [(ops.multiply(one, 0.0) if gradient is None else gradient, one) for gradient, one in pairs]
        super().apply_gradients(zeros)


class StopsAtNone(Honest):
    def apply_gradients(self, pairs: Any) -> None:
        pairs = [(gradient, variable) for gradient, variable in pairs]
        if all(gradient is not None for gradient, _ in pairs):
            super().apply_gradients(pairs)


class ChecksAsItGoes(Honest):
    def check(self, pairs: list[Any]) -> None:
        pass

    def update(self, variable: Any, gradient: Any, rate: Any) -> None:
        super().check([(gradient, variable)])
        super().update(variable, gradient, rate)


class TakesAVariableTwice(Honest):
    def check(self, pairs: list[Any]) -> None:
        for pair in pairs:
            super().check([pair])


class NeedsItsOwnVariables(Honest):
    def assign(self, variable: Any, value: Any) -> None:
        variable.assign(value)


class WritesPastTheOperations(Honest):
    def assign(self, variable: Any, value: Any) -> None:
        variable.replace(variable.payload - np.asarray(RATE, variable.payload.dtype))


class BakesTheRate(Honest):
    @property
    def learning_rate(self) -> Any:
        return provider().convert(float(self.rate.payload))

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.rate.replace(np.float32(value).reshape(()))


class FollowsTheFirstStep(Honest):
    @property
    def learning_rate(self) -> Any:
        return super().learning_rate if self.schedule is None else self.schedule(provider().convert(0))

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        ops.assign_variable(self.rate, provider().convert(value))


def suite_of(kind: type, **more: Any) -> type:
    """The suite for one optimizer, with Adam's formula."""
    import dovetail_functions
    from dovetail_conformance import optimizer_suite

    options: Any = {"formula": formula, "scheduled": kind} | more
    return optimizer_suite(kind, traced=dovetail_functions.function, **options)


def mutant(kind: type, what: str, *caught_by: str, **more: Any) -> Mutant:
    suite = partial(suite_of, kind, **more)
    return Mutant(name=kind.__name__, what=what, caught_by=frozenset(caught_by), suite=suite)


STATE = "state_is_variables_of_its_own"
MUTANTS = (
    mutant(Honest, "Adam, with a learning rate that can be assigned or follows a schedule"),
    mutant(HonestDescent, "no state, and a learning rate that is fixed", formula=None, scheduled=None),
    mutant(SharesState, "lets variables share a moving average", "each_variable_is_updated_as_if_alone"),
    mutant(StatesBuffers, "gives a buffer for a variable of its state", "has_its_role"),
    mutant(StatesWhatItTrains, "lists the variables that it trains as its state", STATE),
    mutant(GrowsLater, "makes more state at its second step", STATE),
    mutant(LosesASlot, "leaves a moving average out of its checkpoint", "resumes_from_its_state"),
    mutant(CountsInPython, "counts steps in no variable", "resumes_from_its_state", "traced_equals_eager"),
    mutant(CorrectsOffByOne, "corrects the bias of step t as of step t + 1", "steps_follow_the_formula"),
    mutant(ComputesInFloat32, "rounds float64 to float32", "steps_follow_the_formula"),
    mutant(Jitters, "scales gradients by chance", "steps_are_deterministic"),
    mutant(Ascends, "goes up instead of down", "loss_decreases"),
    mutant(TakesNoneForZero, "takes a gradient None for zeros", "no_gradient_leaves_its_variable_alone"),
    mutant(StopsAtNone, "does nothing at all where one gradient is None", "no_gradient_leaves_its_variable_alone"),
    mutant(ChecksAsItGoes, "finds a wrong shape when half is done", "refusals_change_nothing"),
    mutant(TakesAVariableTwice, "takes two gradients for one variable", "refusals_change_nothing"),
    mutant(NeedsItsOwnVariables, "calls a method that VariableLike doesn't have", "takes_variables_of_any_class"),
    mutant(WritesPastTheOperations, "replaces buffers past the operations", "traced_equals_eager"),
    mutant(BakesTheRate, "makes the learning rate a constant of the trace", "an_assigned_learning_rate_is_in_force"),
    mutant(FollowsTheFirstStep, "asks its schedule for step 0 only", "a_schedule_is_followed"),
)
