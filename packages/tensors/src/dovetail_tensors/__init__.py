"""Tensor, Variable, the array API namespace, random generators and eager evaluation."""

from . import scalars
from .conversion import convert as constant
from .tensor import Tensor
from .variable import Variable

__all__ = ["Tensor", "Variable", "constant"]
