"""Which kernel packages the user wants: `with use("acme", only=True)`, or DOVETAIL_KERNELS=acme,-other."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar

from ..records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@record
class Policy:
    """`preferred` packages come first, in this order; `excluded` are not used; with `only`, no others are."""

    preferred: tuple[str, ...] = ()
    excluded: frozenset[str] = frozenset()
    only: bool = False

    def refuses(self, package: str) -> str | None:
        """Why a package may not be used, or None."""
        if package in self.excluded:
            return "excluded by the user"
        if self.only and package not in self.preferred:
            return f"only {', '.join(self.preferred) or 'no package'} allowed by the user"
        return None


_policy: ContextVar[Policy | None] = ContextVar("dovetail_kernel_policy", default=None)
_from_environment: tuple[str, Policy] | None = None


def current_policy() -> Policy:
    """The policy in force: the innermost `use`, else what DOVETAIL_KERNELS says, else no preference."""
    chosen = _policy.get()
    return chosen if chosen is not None else _environment_policy()


def _environment_policy() -> Policy:
    global _from_environment
    text = os.environ.get("DOVETAIL_KERNELS", "")
    if _from_environment is None or _from_environment[0] != text:
        _from_environment = (text, parse(text))
    return _from_environment[1]


def parse(text: str) -> Policy:
    """A policy from the form of DOVETAIL_KERNELS: "acme,-other" prefers acme and excludes other; "none" allows no
    kernel package but the reference kernels ("numpy"); a name alone prefers, it doesn't exclude the rest."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["none"]:
        return Policy(("numpy",), frozenset(), only=True)
    preferred = tuple(name for name in names if not name.startswith("-"))
    return Policy(preferred, frozenset(name[1:] for name in names if name.startswith("-")))


@contextmanager
def use(*names: str, only: bool = False) -> Iterator[Policy]:
    """Prefers the named kernel packages for the body of the `with`; `only=True` allows no others; "-name" excludes.

    Raises: PluginError at once for a name that isn't installed or is broken.
    """
    from ..selection import require_named

    for name in names:
        if not name.startswith("-"):
            require_named(name)
    outer = current_policy()
    preferred = tuple(name for name in names if not name.startswith("-"))
    excluded = frozenset(name[1:] for name in names if name.startswith("-"))
    inner = Policy(preferred + (() if only else outer.preferred), outer.excluded - set(preferred) | excluded, only)
    token = _policy.set(inner)
    try:
        yield inner
    finally:
        _policy.reset(token)
