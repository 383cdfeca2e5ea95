"""Plug-ins: found by their entry points, described and loaded only at need, set aside when they are broken."""

from .discovery import Plugin, find, quarantined, refresh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .policy import Policy, current_policy, use

__all__ = ["Plugin", "Policy", "current_policy", "find", "quarantined", "refresh", "use"]


def __getattr__(name: str) -> object:
    if name in ("Policy", "current_policy", "use"):  # who only looks for plug-ins doesn't wait for contextlib
        from . import policy

        return getattr(policy, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
