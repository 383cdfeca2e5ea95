"""Elements at places that indices name: taken, put, added."""

from __future__ import annotations

from .gather import embedding_launches, gather_nd_launches, take_along_axis_launches, take_launches
from .scatter import embedding_gradient_launches, put_along_axis_launches, scatter_launches, scatter_nd_launches
from .windows import dynamic_slice_launches, dynamic_update_slice_launches

__all__ = [
    "dynamic_slice_launches",
    "dynamic_update_slice_launches",
    "embedding_gradient_launches",
    "embedding_launches",
    "gather_nd_launches",
    "put_along_axis_launches",
    "scatter_launches",
    "scatter_nd_launches",
    "take_along_axis_launches",
    "take_launches",
]
