"""Trace Python functions to graphs, simplify the graphs, and hand them to compilers."""

from .decorator import function
from .function import Function
from .options import functions_run_eagerly, run_functions_eagerly
from .specs import TensorSpec

__all__ = ["Function", "TensorSpec", "function", "functions_run_eagerly", "run_functions_eagerly"]
