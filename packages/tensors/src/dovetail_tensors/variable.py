"""Variable: a named, mutable cell that holds a tensor's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, final

import numpy as np

from dovetail_protocols import creation
from dovetail_protocols import operations as ops
from dovetail_protocols.default_device import device
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import DTypeError, ImmutableError
from dovetail_protocols.metas import TensorMeta

from . import operators
from .array_methods import ArrayMethods
from .numpy_dtypes import numpy_dtype
from .printing import describe
from .taking import Taken, take
from .tensor import Tensor, make

if TYPE_CHECKING:
    from collections.abc import Callable

    from dovetail_protocols.dtypes import DType
    from dovetail_protocols.metas import Device

    from .operators import TypedOperators
    from .signature import Signature
else:
    TypedOperators = object


@final
class Variable(ArrayMethods, TypedOperators):
    """A named, mutable cell. Reads as a Tensor everywhere: in operators, functions, indexing and conversions.

    Assignment changes it in place, and never a tensor that was read before. Its shape, dtype and device stay. `==`
    compares element by element, as in TensorFlow 2, and the hash is the object's identity. Reads and assignments are
    atomic; a read-modify-write such as `assign_add` needs the caller's lock where threads share the variable.

    `initial_value`: what `constant` takes, or a function of no arguments that gives it, called outside of any trace.
    `name` is for readers: variables may share one.

    Raises: what `constant` raises; TraceError where a traced function refuses new variables.
    """

    __slots__ = ("__weakref__", "_payload", "_signature", "name", "trainable")
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    _payload: Any
    _signature: Signature

    def __init__(
        self,
        initial_value: Any,
        trainable: bool = True,
        name: str | None = None,
        dtype: DType | str | None = None,
        device: Device | str | None = None,
    ) -> None:
        from .conversion import convert

        if callable(initial_value):
            with interpreting(None):
                initial_value = initial_value()
        value: Any = creation.initial_value(convert(initial_value, dtype, device))
        if value._signature.shape is not None:
            value._payload.concretize("a Variable's initial value")
        self._payload, self._signature = value._payload, value._signature
        self.name, self.trainable = "Variable" if name is None else name, bool(trainable)
        creation.announce(self)

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Variable can't be subclassed; VariableLike in dovetail_protocols.roles says what one needs")

    # ------------------------------------------------------------------ what it is

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        shape: tuple[int, ...] = self._payload.shape
        return shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._signature.dtype

    @property
    def device(self) -> Device:
        """Where the elements are."""
        return self._signature.device

    @property
    def meta(self) -> TensorMeta:
        """Shape, dtype and device in one."""
        return TensorMeta(self._payload.shape, self._signature.dtype, self._signature.device)

    @property
    def payload(self) -> Any:
        """The buffer in force. It is never written to: tensors read earlier may share it."""
        payload = self._payload
        return payload.wait(self) if type(payload) is Taken else payload

    def replace(self, payload: Any) -> None:
        """Puts another buffer of the same shape and dtype in place of the one in force. For evaluators and restorers,
        which have checked it; users assign."""
        before, self._payload = self._payload, payload
        if type(before) is Taken:
            before.release(self, payload)

    take = take

    def before_first_use(self, action: Callable[[], None]) -> None:
        """Calls `action()` once before the value is next read, taken or replaced, which it may have replaced itself."""
        payload = self._payload
        if type(payload) is not Taken:
            self._payload = Taken(payload.shape, payload, action)
        elif (earlier := payload.action) is not None:
            self._payload = Taken(payload.shape, payload.held, lambda: _both(earlier, action))

    def snapshot(self) -> Tensor:
        """The value now, as a tensor, without passing through dispatch: for evaluators."""
        payload = self._payload
        return make(payload.wait(self) if type(payload) is Taken else payload, self._signature)

    # ------------------------------------------------------------------ reading

    def read_value(self) -> Tensor:
        """The value now, as a tensor that later assignments don't change."""
        interpreter = current()
        if interpreter is None:
            return self.snapshot()
        value: Tensor = interpreter.apply(ops.read_variable, (self,), {})
        return value

    def value(self) -> Tensor:
        """The value now, as TensorFlow spells it."""
        return self.read_value()

    def _concrete(self, action: str) -> Any:
        return self.read_value()._concrete(action)

    def __getitem__(self, key: Any) -> Tensor:
        return self.read_value()[key]

    def sparse_read(self, indices: Any) -> Tensor:
        """The parts of the value at some places of the first axis."""
        return ops.take(self.read_value(), indices, axis=0)

    def gather_nd(self, indices: Any) -> Tensor:
        """The parts of the value at index vectors."""
        return ops.gather_nd(self.read_value(), indices)

    # ------------------------------------------------------------------ assigning

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Tensor:
        """Gives the variable another value of the same shape and dtype, and returns it; on an error nothing changes.

        Python numbers and lists take the variable's dtype; a tensor must have it. The other arguments are TensorFlow's,
        and change nothing.

        Raises: ShapeError, DTypeError.
        """
        assigned: Tensor = ops.assign_variable(self, self._operand(value))
        return assigned

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """Adds to the value, and returns the new one. Raises: as `assign`."""
        return self.assign(self.read_value() + self._delta("assign_add", delta))

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """Subtracts from the value, and returns the new one. Raises: as `assign`."""
        return self.assign(self.read_value() - self._delta("assign_sub", delta))

    def _operand(self, value: Any) -> Tensor:
        """A value for this variable: a tensor in its own dtype; Python numbers, lists, and NumPy arrays of the same or
        a narrower kind, in the variable's."""
        from .conversion import convert

        dtype = self._signature.dtype
        if type(value) in (Tensor, Variable):
            return convert(value)
        if isinstance(value, (np.ndarray, np.generic)) and not np.can_cast(
            value.dtype, numpy_dtype(dtype), "same_kind"
        ):
            return convert(value)  # in a dtype that assign refuses by name
        with device(self._signature.device):  # tensors among a list's items stay where they are
            return convert(value, dtype)

    def _delta(self, action: str, value: Any) -> Tensor:
        """A value to combine with the variable's: it must have the variable's dtype, since nothing is converted."""
        delta = self._operand(value)
        if delta.dtype is not self._signature.dtype:
            raise DTypeError(
                f"{action}: the dtype differs from the variable's",
                where=f"{action}, Variable {self.name!r}",
                expected=f"{self._signature.dtype}",
                got=f"{delta.dtype}",
                fix=f"convert the value with .astype({self._signature.dtype.name!r})",
            )
        return delta

    def _scatter(self, indices: Any, updates: Any, mode: str) -> Tensor:
        return self.assign(ops.scatter(self.read_value(), indices, self._delta("scatter", updates), mode=mode))

    def _scatter_rows(self, indices: Any, updates: Any, mode: str) -> Tensor:
        return self._scatter(ops.expand_dims(indices, axis=-1), updates, mode)

    def scatter_update(self, indices: Any, updates: Any) -> Tensor:
        """Replaces the parts at some places of the first axis; of updates for one place the last stays."""
        return self._scatter_rows(indices, updates, "update")

    def scatter_add(self, indices: Any, updates: Any) -> Tensor:
        """Adds to the parts at some places of the first axis."""
        return self._scatter_rows(indices, updates, "add")

    def scatter_sub(self, indices: Any, updates: Any) -> Tensor:
        """Subtracts from the parts at some places of the first axis."""
        return self._scatter_rows(indices, updates, "subtract")

    def scatter_min(self, indices: Any, updates: Any) -> Tensor:
        """Takes the lesser of the parts at some places of the first axis and the updates."""
        return self._scatter_rows(indices, updates, "min")

    def scatter_max(self, indices: Any, updates: Any) -> Tensor:
        """Takes the greater of the parts at some places of the first axis and the updates."""
        return self._scatter_rows(indices, updates, "max")

    def scatter_nd_update(self, indices: Any, updates: Any) -> Tensor:
        """Replaces the parts at index vectors; of updates for one place the last stays."""
        return self._scatter(indices, updates, "update")

    def scatter_nd_add(self, indices: Any, updates: Any) -> Tensor:
        """Adds to the parts at index vectors."""
        return self._scatter(indices, updates, "add")

    def scatter_nd_sub(self, indices: Any, updates: Any) -> Tensor:
        """Subtracts from the parts at index vectors."""
        return self._scatter(indices, updates, "subtract")

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise ImmutableError(
            "a part of a Variable can't be set with v[...] = value",
            where=f"Variable {self.name!r}",
            fix="use v.scatter_update(indices, updates), v.scatter_nd_update(...) or v.assign(whole_value)",
        )

    # ------------------------------------------------------------------ as an object

    def __repr__(self) -> str:
        extra = (f"name={self.name!r}", *(() if self.trainable else ("trainable=False",)))
        if current() is not None:
            return f"<Variable {self.meta} {', '.join(extra)}>"
        return describe("Variable", self._concrete("repr()"), self._signature, *extra)

    def __copy__(self) -> Variable:
        return Variable(self.snapshot(), self.trainable, self.name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copied = memo[id(self)] = self.__copy__()
        return copied

    def __reduce__(self) -> Any:
        return _restore, (self.snapshot(), self.trainable, self.name)

    def __dlpack__(self, **arguments: Any) -> Any:
        return self.read_value().__dlpack__(**arguments)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.snapshot().__dlpack_device__()


def _both(earlier: Callable[[], None], action: Callable[[], None]) -> None:
    earlier()
    action()


def _restore(value: Tensor, trainable: bool, name: str) -> Variable:
    return Variable(value, trainable, name)


def _reading(name: str) -> Any:
    """The tensor's operator of that name, on the variable's value."""

    def operator(self: Variable, *others: Any) -> Any:
        return getattr(Tensor, name)(self.read_value(), *others)

    operator.__name__, operator.__qualname__ = name, f"Variable.{name}"
    return operator


def _refusing(name: str) -> Any:
    def operator(self: Variable, other: Any) -> NoReturn:
        raise ImmutableError(
            f"a Variable has no {name}: it would put a tensor in the variable's place",
            where=f"Variable {self.name!r}",
            fix="use v.assign(...), v.assign_add(...) or v.assign_sub(...), or write v = v + other for a tensor",
        )

    operator.__name__, operator.__qualname__ = name, f"Variable.{name}"
    return operator


for _name in operators.NAMES:
    setattr(Variable, _name, _reading(_name))
for _name in operators.IN_PLACE_NAMES:
    setattr(Variable, _name, _refusing(_name))
