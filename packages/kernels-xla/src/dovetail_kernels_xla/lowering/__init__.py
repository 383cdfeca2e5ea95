"""How each operation is said in JAX. Importing declares them all, and loads JAX."""

from . import (  # noqa: F401 - importing declares the lowerings
    arithmetic,
    attention,
    control_flow,
    convolution,
    elementwise,
    indexing,
    linear_algebra,
    manipulation,
    ordering,
    pooling,
    random,
    reductions,
    slicing,
)
from .graphs import decomposition, host_array, run_call, run_graph
from .registry import LOWERINGS

__all__ = ["LOWERINGS", "decomposition", "host_array", "run_call", "run_graph"]
