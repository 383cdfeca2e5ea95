"""Crash-safe, checked and portable checkpoints for Dovetail."""

__all__: list[str] = []
