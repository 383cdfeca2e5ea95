"""A deep-learning framework that comes apart: import dovetail as dt."""

__all__: list[str] = []
