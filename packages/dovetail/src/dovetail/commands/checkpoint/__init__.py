"""Look into checkpoints: list, inspect, verify, compare, convert, clean up."""

from .command import configure, run

__all__ = ["configure", "run"]
