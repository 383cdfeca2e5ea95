"""Optimizers, learning-rate schedules and gradient clipping for Dovetail."""

__all__: list[str] = []
