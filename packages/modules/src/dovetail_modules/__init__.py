"""Modules, layers, losses, initializers and metrics for Dovetail."""

__all__: list[str] = []
