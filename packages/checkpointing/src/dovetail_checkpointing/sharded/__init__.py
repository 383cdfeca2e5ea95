"""Saving together what several processes or threads have parts of."""

from .saving import save_sharded

__all__ = ["save_sharded"]
