"""The operation standard. Every name here is an Operation: call it to apply it.

Names and semantics are those of the Python array API 2024.12 where it has them, then TensorFlow's and ONNX's.
"""

from .arithmetic import add, multiply, negative, subtract
from .linear_algebra import matmul
from .random import random_advance, random_bits, random_split
from .reductions import sum
from .type_conversion import cast
from .variables import assign_variable, read_variable

__all__ = [
    "add",
    "assign_variable",
    "cast",
    "matmul",
    "multiply",
    "negative",
    "random_advance",
    "random_bits",
    "random_split",
    "read_variable",
    "subtract",
    "sum",
]
