"""Frozen, slotted value types without the cost of importing `dataclasses`.

`dataclasses` pulls in `inspect` (27 ms measured, and about 2 ms for each class with `slots=True`), which alone would
break the 15 ms that importing the protocols may take; see docs/decisions/0002-records-without-dataclasses.md.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_options: object) -> Callable[[T], T]:
        return lambda decorated: decorated


def _forbid_assignment(self: object, name: str, value: object) -> None:
    raise AttributeError(f"{type(self).__name__} is immutable: cannot set {name!r}; use .replace({name}=...)")


def _forbid_deletion(self: object, name: str) -> None:
    raise AttributeError(f"{type(self).__name__} is immutable: cannot delete {name!r}")


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in type(self).__record_fields__)


def _equal(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash((type(self), _values(self)))


def _represent(self: Any) -> str:
    arguments = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self).__record_fields__)
    return f"{type(self).__name__}({arguments})"


def _reduce(self: Any) -> tuple[type, tuple[Any, ...]]:
    return type(self), _values(self)


def _replace(self: Any, **changes: Any) -> Any:
    fields = {name: getattr(self, name) for name in type(self).__record_fields__}
    return type(self)(**(fields | changes))


def replace(value: T, **changes: Any) -> T:
    """A copy of a record with other values for some fields: its method of that name, with a type."""
    return _replace(value, **changes)  # type: ignore[no-any-return] # of the same class


_METHODS = {
    "__setattr__": _forbid_assignment,
    "__delattr__": _forbid_deletion,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _represent,
    "__reduce__": _reduce,
    "replace": _replace,
}


def _build_init(cls: type, fields: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    """`__init__` as a plain function that stores through the slots' descriptors, so that construction stays quick."""
    parameters = ", ".join(f"{name}=_default_{name}" if name in defaults else name for name in fields)
    body = [f"    _set_{name}(self, {name})" for name in fields] or ["    pass"]
    if hasattr(cls, "__post_init__"):
        body.append("    self.__post_init__()")
    namespace = {f"_default_{name}": value for name, value in defaults.items()}
    namespace |= {f"_set_{name}": cls.__dict__[name].__set__ for name in fields}
    exec(f"def __init__(self, {parameters}):\n" + "\n".join(body), namespace)
    initialize: Callable[..., None] = namespace["__init__"]
    return initialize


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A frozen class with slots from the class's annotations: construction, equality, hash, repr, pickle, `replace`.

    Fields are positional or by keyword; `__post_init__` may validate. A method that the class defines itself is kept.

    >>> @record
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1).replace(y=2)
    Point(x=1, y=2)
    """
    fields = tuple(name for name in cls.__annotations__ if not name.startswith("__"))
    namespace = {name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__")}
    defaults = {name: namespace.pop(name) for name in fields if name in namespace}
    for name, method in _METHODS.items():
        if name == "__hash__" and namespace.get("__hash__") is None:
            namespace.pop("__hash__", None)
        namespace.setdefault(name, method)
    namespace["__slots__"] = fields
    namespace["__record_fields__"] = fields
    namespace["__match_args__"] = fields
    built: Any = type(cls.__name__, cls.__bases__, namespace)
    if "__init__" not in namespace:
        built.__init__ = _build_init(built, fields, defaults)
        built.__init__.__qualname__ = f"{cls.__qualname__}.__init__"
    finished: type[T] = built
    return finished
