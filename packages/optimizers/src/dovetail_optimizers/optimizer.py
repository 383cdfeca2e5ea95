"""What all optimizers share: their state, the learning rate, clipping, and updates that happen whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.dtypes import float32, int64
from dovetail_protocols.errors import AttributeValueError, DeviceError, GradientError, ShapeError, StructureError

from . import clipping

Slots = dict[str, Any]


class Optimizer(ABC):
    """Changes variables by their gradients.

    `learning_rate` is a number, which becomes a variable that can be assigned, or a schedule: a function of the step.
    Gradients may be clipped by at most one of `clipvalue` (each element to ±clipvalue), `clipnorm` (each gradient's L2
    norm) and `global_clipnorm` (the L2 norm of all together).

    All state is variables: `iterations` (steps done), the learning rate, and the slots, made by `build` or at the first
    update, one set for each variable in their order. An update computes every new value before it assigns the first.
    """

    slot_names: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: float | Callable[[Any], Any],
        *,
        clipvalue: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        bounds = {"clipvalue": clipvalue, "clipnorm": clipnorm, "global_clipnorm": global_clipnorm}
        given = {bound: value for bound, value in bounds.items() if value is not None}
        if len(given) > 1:
            raise AttributeValueError("gradients are clipped in one way only", got=", ".join(given))
        for bound, value in given.items():
            if not value > 0:
                raise AttributeValueError(f"{bound} must be positive", got=value)
        self.name = name or type(self).__name__.lower()
        self._clipping = next(iter(given.items()), None)
        self._schedule = learning_rate if callable(learning_rate) and not is_variable(learning_rate) else None
        self.iterations = _state(0, int64, "iterations")
        self._learning_rate = None
        if self._schedule is None:
            self._learning_rate = (
                learning_rate if is_variable(learning_rate) else _state(learning_rate, float32, "learning_rate")
            )
        self._targets: list[Any] = []
        self._places: dict[int, int] = {}
        self._slots: list[Slots] = []
        self._observer: Callable[[str], None] | None = None

    # ------------------------------------------------------------------ state

    @property
    def learning_rate(self) -> Any:
        """The learning rate now, a 0-d array. Assign a number to change it, unless it follows a schedule."""
        if self._schedule is not None:
            return self._schedule(ops.read_variable(self.iterations))
        return ops.read_variable(self._learning_rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if self._learning_rate is None:
            raise AttributeValueError(
                "the learning rate follows a schedule", fix="make the optimizer with a number to assign it"
            )
        ops.assign_variable(self._learning_rate, provider().convert(value, dtype=float32))

    @property
    def variables(self) -> tuple[Any, ...]:
        """All state: iterations, the learning rate unless it is a schedule, then the slots variable by variable."""
        own = (self.iterations,) if self._learning_rate is None else (self.iterations, self._learning_rate)
        return (*own, *(slot for slots in self._slots for slot in slots.values()))

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the slots for these variables, in their order. Further calls may only name the same ones.

        Raises: StructureError for others, or for one that is listed twice; DeviceError for one on another device than
        the optimizer's own state.
        """
        if self._targets:
            self._require_known(variables)
            return
        if len({id(variable) for variable in variables}) != len(variables):
            raise StructureError("a variable is listed twice", got=", ".join(variable.name for variable in variables))
        self._require_own_device(variables)
        slots = [self._new_slots(variable) for variable in variables]
        self._targets, self._slots = list(variables), slots
        self._places = {id(variable): place for place, variable in enumerate(variables)}
        if self._observer is not None:
            self._observer("slots")

    def _new_slots(self, variable: Any) -> Slots:
        meta = variable.meta
        zeros = ops.full(shape=meta.shape, fill_value=0, dtype=meta.dtype, device=meta.device)
        return {
            name: provider().variable(zeros, name=f"{variable.name}/{name}", trainable=False)
            for name in self.slot_names
        }

    def _require_own_device(self, variables: Sequence[Any]) -> None:
        place = self.iterations.meta.device
        for variable in variables:
            if variable.meta.device != place:
                raise DeviceError(
                    f"{self.name} and a variable that it is to train are on different devices",
                    where=variable.name,
                    expected=f"{place}, where the optimizer's own state is",
                    got=variable.meta.device,
                    fix=f"make the optimizer under `with device({str(variable.meta.device)!r})`, as its variables were",
                )

    def _require_known(self, variables: Sequence[Any]) -> None:
        unknown = [variable.name for variable in variables if id(variable) not in self._places]
        if unknown:
            raise StructureError(
                f"{self.name} was built for other variables",
                expected=", ".join(variable.name for variable in self._targets),
                got=", ".join(unknown),
                fix="build the optimizer with every variable it will train, or make another optimizer for these",
            )

    # ------------------------------------------------------------------ updates

    def apply_gradients(self, gradients_and_variables: Iterable[tuple[Any, Any]]) -> Any:
        """Updates each variable by its gradient, and counts the step; gives `iterations`.

        A gradient None leaves its variable alone.

        Raises: GradientError if all are None; ShapeError for a gradient of another shape; StructureError for variables
        that the optimizer wasn't built for, or one that stands twice. Nothing is changed then.
        """
        pairs = list(gradients_and_variables)
        variables = [variable for _, variable in pairs]
        self._check(pairs)
        self.build(variables)
        step = ops.read_variable(self.iterations) + 1
        rate = self.learning_rate
        assignments: list[tuple[Any, Any]] = [(self.iterations, step)]
        for gradient, variable in zip(self._clip([gradient for gradient, _ in pairs]), variables, strict=True):
            if gradient is not None:
                assignments += self._assignments(variable, gradient, rate, step)
        for target, value in assignments:
            ops.assign_variable(target, value)
        return self.iterations

    def minimize(self, loss: Any, variables: Sequence[Any], tape: Any) -> Any:
        """Updates the variables by the gradients of a loss that a tape has recorded."""
        return self.apply_gradients(zip(tape.gradient(loss, list(variables)), variables, strict=True))

    @abstractmethod
    def update(self, parameter: Any, gradient: Any, slots: Slots, learning_rate: Any, step: Any) -> tuple[Any, ...]:
        """The new parameter, then the new value of each slot in the order of `slot_names`.

        All arguments are arrays; parameter, gradient and slots of one shape; learning_rate and step (from 1) are 0-d.
        """

    def _check(self, pairs: list[tuple[Any, Any]]) -> None:
        if not any(gradient is not None for gradient, _ in pairs):
            raise GradientError(
                f"{self.name} got no gradient at all",
                got=f"None for {', '.join(variable.name for _, variable in pairs) or 'no variables'}",
                fix="compute the loss from these variables, inside the tape or the differentiated function",
            )
        if len({id(variable) for _, variable in pairs}) != len(pairs):
            raise StructureError(
                f"{self.name}: a variable stands twice",
                got=", ".join(variable.name for _, variable in pairs),
                fix="add the gradients of one variable up before they are applied",
            )
        for gradient, variable in pairs:
            if gradient is not None and tuple(gradient.shape) != variable.meta.shape:
                raise ShapeError(
                    f"{self.name}: a gradient isn't shaped like its variable",
                    where=variable.name,
                    expected=f"{variable.meta.shape}",
                    got=f"{tuple(gradient.shape)}",
                )

    def _clip(self, gradients: list[Any]) -> list[Any]:
        if self._clipping is None:
            return gradients
        kind, bound = self._clipping
        if kind == "global_clipnorm":
            return clipping.clip_by_global_norm(gradients, bound)[0]
        if kind == "clipvalue":
            return [
                None if gradient is None else clipping.clip_by_value(gradient, -bound, bound) for gradient in gradients
            ]
        return [None if gradient is None else clipping.clip_by_norm(gradient, bound) for gradient in gradients]

    def _assignments(self, variable: Any, gradient: Any, rate: Any, step: Any) -> list[tuple[Any, Any]]:
        slots = self._slots[self._places[id(variable)]]
        values = {name: ops.read_variable(slot) for name, slot in slots.items()}
        new = self.update(ops.read_variable(variable), gradient, values, rate, step)
        return list(zip((variable, *slots.values()), new, strict=True))

    # ------------------------------------------------------------------ checkpoints

    def checkpoint_state(self) -> Mapping[str, Any]:
        """`iterations`, `learning_rate`, and once the slots are made `slots/<place of the variable>/<name>`."""
        state = {"iterations": self.iterations}
        if self._learning_rate is not None:
            state["learning_rate"] = self._learning_rate
        for place, slots in enumerate(self._slots):
            state |= {f"slots/{place}/{name}": slot for name, slot in slots.items()}
        return state

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:  # noqa: B027 - nothing to do, for all of them
        """An optimizer has no scalars: all its state is variables."""

    def checkpoint_state_of(self, name: str) -> Mapping[str, Any]:
        """The part of the state whose names begin so."""
        return {child: value for child, value in self.checkpoint_state().items() if child.partition("/")[0] == name}

    def state_containers(self) -> Sequence[Any]:
        """None: new state is told to the observer."""
        return ()

    def observe_state(self, observer: Callable[[str], None] | None) -> None:
        """Calls `observer("slots")` right after the slots are made, so that a restore can wait for them."""
        self._observer = observer


def _state(value: Any, dtype: Any, name: str) -> Any:
    return provider().variable(provider().convert(value, dtype=dtype), name=name, trainable=False)
