"""Tensors, variables, the Python array API and random generators for Dovetail."""

__all__: list[str] = []
