"""Functions as methods: one Function for each instance, which neither keeps the other alive."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dovetail_protocols.errors import SignatureError

if TYPE_CHECKING:
    from .function import Function


class WeakMethod:
    """A method of an instance that it doesn't keep alive."""

    def __init__(self, function: Callable[..., Any], instance: Any) -> None:
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.__qualname__ = getattr(function, "__qualname__", self.__name__)
        self.__doc__, self.__module__ = function.__doc__, function.__module__
        self.__signature__ = inspect.signature(function.__get__(instance))
        self._function, self._instance = function, weakref.ref(instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        instance = self._instance()
        if instance is None:
            raise ReferenceError(f"the object that {self.__qualname__} belongs to is gone")
        return self._function(instance, *args, **kwargs)


class BoundFunctions:
    """The Functions that a Function on a class has for its instances, by their identity."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._known: dict[int, tuple[weakref.ref[Any], Function]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, instance: Any) -> Function:
        """The instance's own Function, made at first need.

        Raises: SignatureError for an instance that can't be referred to weakly.
        """
        known = self._known.get(id(instance))
        if known is not None and known[0]() is instance:
            return known[1]
        key, known_functions = id(instance), self._known
        try:
            reference = weakref.ref(instance, lambda _: known_functions.pop(key, None))
        except TypeError as error:
            raise SignatureError(
                f"{self._function.name!r} is a method of an object that can't be referred to weakly",
                got=f"a {type(instance).__name__}",
                fix="add '__weakref__' to its __slots__",
            ) from error
        made = type(self._function)(WeakMethod(self._function.python_function, instance), self._function.options)
        self._known[key] = (reference, made)
        return made
