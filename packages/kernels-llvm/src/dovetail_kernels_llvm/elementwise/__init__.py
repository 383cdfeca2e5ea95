"""What each elementwise operation computes, as instructions on vectors."""

from __future__ import annotations

from .memory import from_memory, to_memory
from .table import emit, supports

__all__ = ["emit", "from_memory", "supports", "to_memory"]
