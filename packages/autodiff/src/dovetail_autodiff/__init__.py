"""Gradients, Jacobian products and batching of functions written in Dovetail operations."""

from .checking import check_gradients
from .forward import jvp
from .reverse import grad, value_and_grad, vjp

__all__ = ["check_gradients", "grad", "jvp", "value_and_grad", "vjp"]
