"""Elements moved as they are: copies, transposes, fills."""

from __future__ import annotations

from .copy import copy_launches
from .fill import fill_launches, zero_launches

__all__ = ["copy_launches", "fill_launches", "zero_launches"]
