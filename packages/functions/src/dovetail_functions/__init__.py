"""Trace Python functions to graphs, simplify the graphs, and hand them to compilers."""

__all__: list[str] = []
