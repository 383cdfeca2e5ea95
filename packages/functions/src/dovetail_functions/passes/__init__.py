"""Graph passes: pure functions from a graph to one that gives the same, bit for bit, with less to do.

Each keeps the graph valid, its inputs and the number and metas of its outputs.
"""

from .pipeline import simplify

__all__ = ["simplify"]
