"""Plug-ins: found by their entry points, described and loaded only at need, set aside when they are broken."""

from .discovery import Plugin, find, quarantined, refresh
from .policy import Policy, current_policy, use

__all__ = ["Plugin", "Policy", "current_policy", "find", "quarantined", "refresh", "use"]
