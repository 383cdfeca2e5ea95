"""Where elements are, and their order."""

from __future__ import annotations

from .extremes import extreme_launches
from .insertion import searchsorted_launches
from .sorting import argsort_launches, sort_launches

__all__ = ["argsort_launches", "extreme_launches", "searchsorted_launches", "sort_launches"]
