"""A whole-graph compiler for CPUs on llvmlite, in pure Python: a traced step runs as one native call."""

__all__: list[str] = []
