"""The quick way to a call: from arguments of types seen before straight to the program.

Python is asked as little as possible: no binding of parameters, no looking for traces. What doesn't fit (values of
types not seen yet, a tensor given twice by keyword) takes the long way.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from dovetail_protocols.boundary import is_number_list
from dovetail_protocols.default_device import chosen_device
from dovetail_protocols.plugins.policy import _policy

from . import nested
from .arguments import Arguments
from .calls import Call
from .leaves import Identity, array_of, key_of
from .nested import Structure

LIMIT = 4096
"""Calls remembered for one function; Python values may vary without end."""

_ARRAY, _VALUE, _FLOAT, _IDENTITY = 1, 2, 3, 4
_kinds: dict[type, int] = {bool: _VALUE, int: _VALUE, str: _VALUE, type(None): _VALUE, float: _FLOAT}
_foreign: set[type] = set()
"""Types whose values become tensors at the boundary, such as NumPy arrays."""
_containers = frozenset({dict, list, tuple})


class Written:
    """A call as it was written: `values` are its arguments, or their leaves where there are containers, with NumPy
    arrays and their like as tensors. `form` is the rest: names, and the structure of containers."""

    __slots__ = ("_args", "_kwargs", "_structure", "form", "is_in_order", "values")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, lists: bool) -> None:
        """`lists`: whether lists of numbers become tensors too."""
        self._args, self._kwargs = args, kwargs
        self.is_in_order = not kwargs
        self.values: Sequence[Any] = [*args, *kwargs.values()] if kwargs else args
        self._structure: Structure | None = None
        self.form: Any = tuple(kwargs)
        kinds = set(map(type, self.values))
        if not _containers.isdisjoint(kinds):
            is_leaf = is_number_list if lists else None
            self.values, self._structure = nested.flatten((args, kwargs), is_leaf=is_leaf)
            self.form = self.form, self._structure
            kinds = set(map(type, self.values))
        if not _foreign.isdisjoint(kinds) or list in kinds:
            self.values = [array_of(v) if type(v) in _foreign or type(v) is list else v for v in self.values]

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments around the values."""
        if self._structure is not None:
            args, kwargs = nested.unflatten(self._structure, self.values)
            return args, kwargs
        count = len(self._args)
        return tuple(self.values[:count]), dict(zip(self._kwargs, self.values[count:], strict=True))

    def key(self) -> tuple[Any, ...] | None:
        """What the call is looked up by, or None where a value is of a type that takes the long way."""
        return key_of_values(self.values, self.form)


def key_of_values(values: Sequence[Any], form: Any = ()) -> tuple[Any, ...] | None:
    """What a call is looked up by, or None where a value is of a type that takes the long way. Without a `form`, the
    values are positional arguments, as they were given."""
    key: list[Any] = [_policy.get(), chosen_device(), form]
    for value in values:
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
    return tuple(key)


class QuickCall:
    """A call that was made before: where its arrays are among the values, and which objects it was made with."""

    __slots__ = ("_call", "_devices", "_objects", "_order")

    def __init__(
        self,
        call: Call,
        order: Sequence[int],
        count: int,
        objects: Sequence[tuple[int, weakref.ref[Any]]],
        devices: Sequence[Any],
    ) -> None:
        """`order`: the places of the arrays among the `count` values."""
        self._call, self._objects = call, objects
        self._order = None if list(order) == list(range(count)) else order  # None: all values are arrays, in order
        self._devices = devices  # kept alive: keys have their ids

    def serves(self, values: Sequence[Any]) -> bool:
        """Whether the objects among the values are the same as before: an id may have gone to another one."""
        return not self._objects or all(values[place] is reference() for place, reference in self._objects)

    def run(self, values: Sequence[Any]) -> Any:
        """The result."""
        return self._call(values if self._order is None else [values[place] for place in self._order])


def quick_call(written: Written, arguments: Arguments, call: Call) -> QuickCall | None:
    """The quick way for calls like this one, or None where there is none."""
    values = written.values
    kinds = [_kinds.get(type(value)) or _learn(value, arguments) for value in values]
    order = _order(values, kinds, arguments, in_order=written.is_in_order)
    if None in kinds or order is None:
        return None
    objects = [(place, weakref.ref(values[place])) for place, kind in enumerate(kinds) if kind == _IDENTITY]
    return QuickCall(call, order, len(values), objects, [array.device for array in arguments.arrays])


def _order(
    values: Sequence[Any], kinds: Sequence[int | None], arguments: Arguments, *, in_order: bool
) -> list[int] | None:
    """Where each array of the signature stands among the values. None where it can't be told: an array from a default,
    or one that was given twice and not `in_order`."""
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
    if not any(leaf is value for leaf in arguments.leaves):  # something that was converted
        if hasattr(type(value), "__array__") and array_of(value) is not None:
            _foreign.add(type(value))
        return None
    if array_of(value) is value:
        _kinds[type(value)] = _ARRAY
    elif type(key_of(value, str)) is Identity:
        _kinds[type(value)] = _IDENTITY
    return _kinds.get(type(value))
