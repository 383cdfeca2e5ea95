"""Sizes that are not known while a function is traced: numbers that remember how they came about.

A `Dim` computes and compares with the size seen at the trace, its *hint*. Arithmetic gives further Dims. Whatever needs
the number itself (a comparison, `range`, `float`, an index) gets the hint's answer, and leaves a *guard* with the Dim's
`Sizes`: the trace holds for other sizes only where every guard has the same answer.

A Dim passes for an int (`isinstance`), but is none to the interpreter's C code: a subclass of int would be read there
without being asked (by `range` and `len`, say), and a trace would keep the hint in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.dtypes import DType
from dovetail_protocols.metas import Device
from dovetail_protocols.size_formulas import OPERATORS, evaluate, text

Expression = Any
"""See dovetail_protocols.size_formulas; the sizes are numbered by their places in the trace's signature."""


class Sizes:
    """The unknown sizes of one trace, and the guards that it leaves: expression → the answer it must have."""

    def __init__(self, hints: Sequence[int]) -> None:
        self.hints = tuple(hints)
        self.guards: dict[Expression, Any] = {}
        self.is_open = True

    def dim(self, place: int) -> Dim:
        """The size at a place of the signature."""
        return Dim(self.hints[place], ("size", place), self)

    def guard(self, expression: Expression, answer: Any) -> None:
        """Notes that the trace depends on an answer. After the trace nothing does."""
        if self.is_open:
            self.guards.setdefault(expression, answer)

    def hold(self, sizes: Sequence[Any]) -> bool:
        """Whether every guard has the same answer for other sizes."""
        return all(evaluate(expression, sizes) == answer for expression, answer in self.guards.items())

    def substitute(self, value: Any, sizes: Sequence[Any]) -> Any:
        """The value with every Dim of this trace in it, also in tuples, replaced by its number for given sizes."""
        if type(value) is Dim:
            return evaluate(value.expression, sizes) if value.sizes is self else value
        if type(value) is tuple:
            return tuple([self.substitute(item, sizes) for item in value])
        return value


class Dim:
    """An unknown size: the `hint` it had at the trace, the expression by which it depends on the signature, and the
    Sizes that take its guards."""

    __slots__ = ("expression", "hint", "sizes")

    def __init__(self, hint: int, expression: Expression, sizes: Sizes) -> None:
        self.hint, self.expression, self.sizes = hint, expression, sizes

    @property
    def __class__(self) -> type:  # see the head of this file
        return int

    @__class__.setter
    def __class__(self, kind: type) -> None:
        raise TypeError("the class of a Dim is fixed")

    # ------------------------------------------------------------------ numbers: the hint, under guard

    def __index__(self) -> int:
        self.sizes.guard(("sub", self.expression, 0), self.hint)
        return self.hint

    __int__ = __trunc__ = __index__

    def __float__(self) -> float:
        return float(self.__index__())

    def __bool__(self) -> bool:
        answer: bool = self.__ne__(0)
        return answer

    def __hash__(self) -> int:
        return hash(self.hint)

    def as_array(self, dtype: DType, device: Device | None) -> Any:
        """The size as a 0-d array, without a guard: what binding the operands of an operation asks for."""
        return ops.full(shape=(), fill_value=self, dtype=dtype, device=device)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """How NumPy reads it: as a 0-d int64 array, under guard."""
        data = self.__index__().to_bytes(8, "little", signed=True)
        return {"version": 3, "shape": (), "typestr": "<i8", "data": data}

    def __pos__(self) -> Dim:
        return self

    def __truediv__(self, other: Any) -> Any:
        return self.__index__() / other if isinstance(other, (int, float)) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.__index__() if isinstance(other, (int, float)) else NotImplemented

    def __pow__(self, other: Any) -> Any:
        return self.__index__() ** other if isinstance(other, (int, float)) else NotImplemented

    def __rpow__(self, other: Any) -> Any:
        return other ** self.__index__() if isinstance(other, (int, float)) else NotImplemented

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __repr__(self) -> str:
        return f"{text(self.expression)}"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)

    def __reduce__(self) -> Any:
        return int, (self.hint,)


def is_unknown(size: object) -> bool:
    """Whether a size is a Dim."""
    return type(size) is Dim


def hint_of(size: Any) -> int:
    """The number that a size has in the trace at hand, without a guard."""
    hint: int = size.hint if type(size) is Dim else size
    return hint


# ---------------------------------------------------------------------- arithmetic and comparison


def _operand(dim: Dim, other: Any) -> Any:
    """(number, expression) of the other operand, or None where it is no whole number."""
    kind = type(other)
    if kind is Dim:
        if other.sizes is dim.sizes:
            return other.hint, other.expression
        return (other.__index__(),) * 2  # of another trace: only its number can enter here
    return (int(other),) * 2 if kind is int or kind is bool else None


_NEUTRAL = {("add", False): 0, ("add", True): 0, ("sub", False): 0, ("floordiv", False): 1}


def _arithmetic(name: str, reverse: bool = False) -> Callable[[Dim, Any], Any]:
    function = OPERATORS[name]

    def method(self: Dim, other: Any) -> Any:
        found = _operand(self, other)
        if found is None:
            if not isinstance(other, float):
                return NotImplemented
            return function(other, self.__index__()) if reverse else function(self.__index__(), other)
        number, expression = found
        if expression == _NEUTRAL.get((name, reverse)) or (name == "mul" and expression == 1):
            return self
        if reverse:
            return Dim(function(number, self.hint), (name, expression, self.expression), self.sizes)
        return Dim(function(self.hint, number), (name, self.expression, expression), self.sizes)

    return method


def _comparison(name: str) -> Callable[[Dim, Any], Any]:
    function = OPERATORS[name]

    def method(self: Dim, other: Any) -> Any:
        found = _operand(self, other)
        if found is None:
            return function(self.__index__(), other) if isinstance(other, float) else NotImplemented
        number, expression = found
        if expression == self.expression:
            return function(0, 0)
        answer = function(self.hint, number)
        self.sizes.guard((name, self.expression, expression), answer)
        return answer

    return method


def _unary(name: str) -> Callable[[Dim], Any]:
    function = OPERATORS[name]

    def method(self: Dim) -> Any:
        return Dim(function(self.hint), (name, self.expression), self.sizes)

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    setattr(Dim, f"__{_name}__", _arithmetic(_name))
    setattr(Dim, f"__r{_name}__", _arithmetic(_name, reverse=True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Dim, f"__{_name}__", _comparison(_name))
for _name in ("neg", "abs"):
    setattr(Dim, f"__{_name}__", _unary(_name))
