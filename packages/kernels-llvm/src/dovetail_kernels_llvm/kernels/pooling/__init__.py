"""Pooling over windows of the spatial axes, channels last, and the transposes of pools."""

from __future__ import annotations

from .descriptions import AveragePool, AveragePoolGradient, MaxPool, MaxPoolGradient, MaxPoolSelect
from .forward import average_pool_launches, max_pool_launches, max_pool_select_launches
from .gradients import average_pool_gradient_launches, max_pool_gradient_launches

__all__ = [
    "AveragePool",
    "AveragePoolGradient",
    "MaxPool",
    "MaxPoolGradient",
    "MaxPoolSelect",
    "average_pool_gradient_launches",
    "average_pool_launches",
    "max_pool_gradient_launches",
    "max_pool_launches",
    "max_pool_select_launches",
]
