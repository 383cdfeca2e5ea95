"""Which arrays of PyTorch and Keras are which variables of Dovetail's layers, and how their axes and gates lie."""

from .moving import Moved, from_dovetail, into_dovetail
from .structure import Layer, of

__all__ = ["Layer", "Moved", "from_dovetail", "into_dovetail", "of"]
