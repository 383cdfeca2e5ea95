"""A checkpoint as one page of HTML that loads nothing, runs nothing, and can be read in light and in dark."""

from .document import page

__all__ = ["page"]
