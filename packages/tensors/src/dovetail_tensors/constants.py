"""The array API's constants."""

from math import e, inf, nan, pi

__all__ = ["e", "inf", "nan", "newaxis", "pi"]

newaxis = None
"""In an index, a new axis of size 1."""
