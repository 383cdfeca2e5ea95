"""Graph passes: pure functions from graph to graph."""

from .dead_code import remove_dead_code as simplify

__all__ = ["simplify"]
