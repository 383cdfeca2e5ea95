"""Trace Python functions to graphs, simplify the graphs, and hand them to compilers."""

from .concrete import ConcreteFunction
from .control_flow import cond, fori_loop, map, scan, switch_case, while_loop
from .decorator import function
from .function import Function
from .options import functions_run_eagerly, run_functions_eagerly
from .profiling import profile
from .specs import TensorSpec

__all__ = [
    "ConcreteFunction",
    "Function",
    "TensorSpec",
    "cond",
    "fori_loop",
    "function",
    "functions_run_eagerly",
    "map",
    "profile",
    "run_functions_eagerly",
    "scan",
    "switch_case",
    "while_loop",
]
