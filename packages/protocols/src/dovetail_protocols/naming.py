"""Name scopes: prefixes for the names of what is made inside them, for readers only; nothing is found by name."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_scope: ContextVar[str] = ContextVar("dovetail_name_scope", default="")


def current_scope() -> str:
    """The scope in force, "" or "outer/inner/"."""
    return _scope.get()


@contextmanager
def name_scope(name: str, *, absolute: bool = False) -> Iterator[str]:
    """Enters a scope below the current one (or exactly this one) for the body of a `with`; gives it, with its slash."""
    token = _scope.set(name.rstrip("/") + "/" if absolute else f"{_scope.get()}{name}/")
    try:
        yield _scope.get()
    finally:
        _scope.reset(token)
