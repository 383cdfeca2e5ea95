"""What a trace depends on of each argument: a tensor's dtype and rank, a number's value, an object's identity.

A leaf of the arguments is described by a *key*, which can be hashed and compared. Tensors, and what becomes one at
the boundary (NumPy arrays, lists of numbers), have the key of their dtype, device and rank; their sizes are looked at
apart, because they may be unknown.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Callable, Hashable
from typing import Any

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.boundary import is_number_list
from dovetail_protocols.errors import SignatureError

_BY_VALUE = frozenset({bool, int, str, bytes, type(None), type(Ellipsis)})
_NUMBERS = frozenset({bool, int, float, complex})


class Unkept:
    """Stands for an argument that a trace was made for and doesn't hold on to: an object of the class named `kind`."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class Identity:
    """A key that is equal only to another of the same living object. It doesn't keep the object alive."""

    __slots__ = ("_hash", "reference")

    def __init__(self, value: Any) -> None:
        self.reference = weakref.ref(value)
        self._hash = id(value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return NotImplemented
        mine = self.reference()
        return mine is not None and mine is other.reference()

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        value = self.reference()
        return "a dead object" if value is None else f"{type(value).__name__} at {id(value):#x}"


class TracingContext:
    """What `__tf_tracing_type__` is given: a way to key parts of an object by identity."""

    def identity(self, value: Any) -> Identity:
        return Identity(value)


_CONTEXT = TracingContext()


def array_of(value: Any) -> Any | None:
    """The array that an argument is or becomes at the boundary, or None where it stays a Python value."""
    if provider().is_array(value):
        return value
    kind = type(value)
    if kind in _BY_VALUE or kind in _NUMBERS or is_variable(value):
        return None
    if is_number_list(value) or hasattr(kind, "__array__") or hasattr(kind, "__dlpack__"):
        return provider().convert(value)
    return None


def key_of(value: Any, path: Callable[[], str]) -> Hashable:
    """The key of an argument that is no array; `path` says for errors which it is.

    Raises: SignatureError where a value can be neither hashed nor referred to weakly.
    """
    kind = type(value)
    if kind in _BY_VALUE:
        return kind, value
    if kind in (float, complex):
        return kind, repr(value)  # tells -0.0 from 0.0, and takes nan for equal to itself
    if hasattr(kind, "__tf_tracing_type__"):
        return "tracing type", kind, value.__tf_tracing_type__(_CONTEXT)
    if isinstance(value, types.MethodType):  # made anew at each access
        return "method", key_of(value.__self__, path), value.__func__
    try:
        return Identity(value)
    except TypeError:
        pass
    try:
        hash(value)
    except TypeError as error:
        raise SignatureError(
            f"an argument of type {kind.__name__} can't be told from others",
            where=f"argument {path()}",
            expected="a tensor, a number, a string, a container of these, or an object that can be hashed or weakly "
            "referred to",
            got=repr(value)[:100],
            fix="give the class __slots__ with '__weakref__', a __hash__, or a __tf_tracing_type__ method",
        ) from error
    return kind, value


def kept(value: Any) -> Any:
    """What a trace holds on to of an argument that is no array: a plain value itself, of an object the class's name."""
    return value if type(value) in _BY_VALUE or type(value) in _NUMBERS else Unkept(type(value).__name__)


def identities(key: Hashable) -> list[Identity]:
    """The identities inside of a key: when one's object dies, the key will never match again."""
    if isinstance(key, Identity):
        return [key]
    if isinstance(key, tuple):
        return [found for part in key for found in identities(part)]
    return []
