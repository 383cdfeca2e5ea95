"""Weights to and from other frameworks' files, by `convert` only. Nothing in foreign files is executed."""

from .conversion import Conversion, convert
from .limits import ForeignLimits
from .names import NameMap

__all__ = ["Conversion", "ForeignLimits", "NameMap", "convert"]
