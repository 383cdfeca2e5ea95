"""Module: an object that owns variables and other modules."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, TypeVar

from dovetail_protocols.errors import InvalidNameError, StructureError, UninitializedError
from dovetail_protocols.naming import current_scope, name_scope
from dovetail_protocols.roles import VariableLike

from .discovery import containers, leaves, own_attributes, variables_of, walk

Method = TypeVar("Method", bound=Callable[..., Any])

_BOUNDARY = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")


class Module:
    """Base of everything that owns variables. Nothing needs to be registered: variables and modules are found in
    attributes, lists, tuples, named tuples and dicts. Any method may be the forward pass; `__call__` is not special.

    `name` must be an identifier; by default it is the class's name in snake_case.

    Raises: InvalidNameError for a name that is no identifier.
    """

    _UNTRACKED: ClassVar[frozenset[str]] = frozenset({"_name", "_scope_name", "_state_observer"})

    def __init__(self, name: str | None = None) -> None:
        name = snake_case(type(self).__name__) if name is None else name
        if not isinstance(name, str) or not name.isidentifier():
            raise InvalidNameError(
                f"{name!r} is no valid name for a {type(self).__name__}",
                expected="letters, digits and underscores, not starting with a digit",
                got=repr(name),
            )
        self._name = name
        self._scope_name = current_scope() + name

    # ------------------------------------------------------------------ identity

    @property
    def name(self) -> str:
        """The module's own name, without enclosing scopes."""
        try:
            return self._name
        except AttributeError:
            raise UninitializedError(
                f"{type(self).__name__} has no name yet", fix="call super().__init__() first in its __init__"
            ) from None

    @property
    def name_scope(self) -> AbstractContextManager[str]:
        """A `with` in which names begin with this module's, and those of the scopes it was made in."""
        self.name  # noqa: B018 - says what is wrong if __init__ was not called
        return name_scope(self._scope_name, absolute=True)

    @staticmethod
    def with_name_scope(method: Method) -> Method:
        """Decorator: runs a method inside the module's name scope."""

        @functools.wraps(method)
        def scoped(self: Module, *arguments: Any, **keywords: Any) -> Any:
            with self.name_scope:
                return method(self, *arguments, **keywords)

        return scoped  # type: ignore[return-value]  # the same signature, which functools.wraps doesn't tell

    # ------------------------------------------------------------------ discovery

    @property
    def variables(self) -> tuple[VariableLike, ...]:
        """Every variable of this module and its submodules, each once: own attributes first, sorted by name."""
        return tuple(variable for _, variable in self._named_variables())

    @property
    def trainable_variables(self) -> tuple[VariableLike, ...]:
        """The variables that training changes: those made with `trainable=True`."""
        return tuple(variable for variable in self.variables if variable.trainable)

    @property
    def non_trainable_variables(self) -> tuple[VariableLike, ...]:
        """The variables that training leaves alone, such as moving averages."""
        return tuple(variable for variable in self.variables if not variable.trainable)

    @property
    def submodules(self) -> tuple[Module, ...]:
        """Every module reachable from this one, itself excluded."""
        return tuple(leaf for _, leaf in walk(self, _is_module) if _is_module(leaf))

    def named_variables(self) -> dict[str, VariableLike]:
        """Every variable by its object path, such as "layers/0/kernel"."""
        return {"/".join(map(str, path)): variable for path, variable in self._named_variables()}

    def _named_variables(self) -> Iterator[tuple[tuple[str | int, ...], VariableLike]]:
        seen: set[int] = set()
        for path, leaf in walk(self, _is_module):
            for inner, variable in variables_of(leaf, _is_module):
                if id(variable) not in seen:
                    seen.add(id(variable))
                    yield (*path, *inner), variable

    # ------------------------------------------------------------------ checkpoints

    def checkpoint_state(self) -> Mapping[str, Any]:
        """Direct children by attribute path: variables, and objects that have such state themselves."""
        children: dict[str, Any] = {}
        for name, value in own_attributes(self):
            children |= self._state_in(name, value)
        return children

    def checkpoint_state_of(self, name: str) -> Mapping[str, Any]:
        """The children in one attribute."""
        is_tracked = name in vars(self) and name not in self._UNTRACKED
        return self._state_in(name, vars(self)[name]) if is_tracked else {}

    def state_containers(self) -> list[Any]:
        """The lists and dicts among the attributes, nested ones too."""
        return [inside for _, value in own_attributes(self) for inside in containers(value)]

    def _state_in(self, name: str, value: Any) -> dict[str, Any]:
        children: dict[str, Any] = {}
        for path, leaf in leaves(value, (name,), self):
            if hasattr(leaf, "checkpoint_state") or any(True for _ in variables_of(leaf, _is_module)):
                child = "/".join(map(str, path))
                if child in children:
                    raise StructureError(
                        f"two children of {type(self).__name__} have the same path in a checkpoint",
                        where=child,
                        cause="dict keys that contain a slash, or differ in their type only",
                        fix="rename one of the keys",
                    )
                children[child] = leaf
        return children

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        """A module has no scalars of its own: plain Python attributes are not saved."""

    def observe_state(self, observer: Callable[[str], None] | None) -> None:
        """Calls `observer(name)` right after each attribute is set or deleted, until another observer, or None, is
        given."""
        vars(self)["_state_observer"] = observer

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        # Asked for here too: every attribute of every module passes here, and hardly one is waited for.
        if vars(self).get("_state_observer") is not None:
            self._tell(name)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._tell(name)

    def _tell(self, name: str) -> None:
        observer = vars(self).get("_state_observer")
        if observer is not None and name not in self._UNTRACKED:
            observer(name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, '_name', '(not initialized)')!r}>"


def snake_case(name: str) -> str:
    """A class name as a module name: `MyDense` is "my_dense"."""
    return _BOUNDARY.sub(r"_\1", name).lower()


def _is_module(value: Any) -> bool:
    return isinstance(value, Module)
