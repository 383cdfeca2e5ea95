"""A NumPy kernel for every Dovetail operation: the reference and the default."""

__all__: list[str] = []
