"""The quick way to a call: from arguments of types seen before straight to the program.

Python is asked as little as possible: no binding of parameters, no flattening. What doesn't fit (containers, tensors
given twice by keyword) takes the long way every time.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from dovetail_protocols.plugins.policy import _policy

from .arguments import Arguments
from .calls import Call
from .leaves import Identity, array_of, key_of

LIMIT = 4096
"""Calls remembered for one function; Python values may vary without end."""

_ARRAY, _VALUE, _FLOAT, _IDENTITY = 1, 2, 3, 4
_kinds: dict[type, int] = {bool: _VALUE, int: _VALUE, str: _VALUE, type(None): _VALUE, float: _FLOAT}


_foreign: set[type] = set()
"""Types whose values become tensors at the boundary, such as NumPy arrays."""


def at_boundary(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with NumPy arrays and their like, where they stand alone, as tensors."""
    if not _foreign.isdisjoint(map(type, args)):
        args = tuple([array_of(value) if type(value) in _foreign else value for value in args])
    if kwargs and not _foreign.isdisjoint(map(type, kwargs.values())):
        kwargs = {name: array_of(value) if type(value) in _foreign else value for name, value in kwargs.items()}
    return args, kwargs


def quick_key(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What a call is looked up by, or None where an argument is of a type that takes the long way."""
    key: list[Any] = [_policy.get()]
    for value in args:
        kind = _kinds.get(type(value))
        if kind == _ARRAY:
            key += (value.dtype, value.shape, id(value.device))
        elif kind == _VALUE:
            key += (type(value), value)
        elif kind == _IDENTITY:
            key.append(id(value))
        elif kind == _FLOAT:
            key += (float, value.hex())
        else:
            return None
    if kwargs:
        inner = quick_key(tuple(kwargs.values()), {})
        if inner is None:
            return None
        key += (tuple(kwargs), inner)
    return tuple(key)


class QuickCall:
    """A call that was made before: where its arrays are among the arguments, and which objects it was made with."""

    __slots__ = ("_call", "_devices", "_objects", "_order")

    def __init__(
        self, call: Call, order: Sequence[int], objects: Sequence[tuple[int, weakref.ref[Any]]], devices: Sequence[Any]
    ) -> None:
        self._call, self._order, self._objects = call, order, objects
        self._devices = devices  # kept alive: keys have their ids

    def serves(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Whether the objects among the arguments are the same as before: an id may have gone to another one."""
        if not self._objects:
            return True
        values = [*args, *kwargs.values()]
        return all(values[place] is reference() for place, reference in self._objects)

    def run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The result."""
        values = [*args, *kwargs.values()] if kwargs else args
        return self._call([values[place] for place in self._order])


def quick_call(args: tuple[Any, ...], kwargs: Mapping[str, Any], arguments: Arguments, call: Call) -> QuickCall | None:
    """The quick way for calls like this one, or None where there is none."""
    values = [*args, *kwargs.values()]
    kinds = [_kinds.get(type(value)) or _learn(value, arguments) for value in values]
    order = _order(values, kinds, arguments, in_order=not kwargs)
    if None in kinds or order is None:
        return None
    objects = [(place, weakref.ref(values[place])) for place, kind in enumerate(kinds) if kind == _IDENTITY]
    return QuickCall(call, order, objects, [array.device for array in arguments.arrays])


def _order(
    values: Sequence[Any], kinds: Sequence[int | None], arguments: Arguments, *, in_order: bool
) -> list[int] | None:
    """Where each array of the signature stands among the values as they were written. None where it can't be told: an
    array from a default, or one that was given twice and not `in_order`."""
    given = [place for place, kind in enumerate(kinds) if kind == _ARRAY]
    if in_order:
        return given if len(given) == len(arguments.arrays) else None
    places = {id(values[place]): place for place in given}
    wanted = [id(array) for array in arguments.arrays]
    if len(given) != len(wanted) or len(places) != len(given) or any(one not in places for one in wanted):
        return None
    return [places[one] for one in wanted]


def _learn(value: Any, arguments: Arguments) -> int | None:
    """The kind of a type that wasn't seen before, if the quick way can serve it."""
    if not any(leaf is value for leaf in arguments.leaves):  # a container, or something that was converted
        if hasattr(type(value), "__array__") and array_of(value) is not None:
            _foreign.add(type(value))
        return None
    if array_of(value) is value:
        _kinds[type(value)] = _ARRAY
    elif type(key_of(value, "")) is Identity:
        _kinds[type(value)] = _IDENTITY
    return _kinds.get(type(value))
