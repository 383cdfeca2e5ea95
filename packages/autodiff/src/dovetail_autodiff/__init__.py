"""Gradients, Jacobian products and batching of functions written in Dovetail operations."""

from dovetail_protocols.operations import stop_gradient

from . import batching as _batching  # noqa: F401 - importing them registers them
from . import rules as _rules  # noqa: F401 - importing them registers them
from .checking import check_gradients
from .custom import custom_gradient
from .forward import jvp
from .gradient_tape import GradientTape
from .jacobians import hessian, jacobian
from .rematerialisation import rematerialise
from .reverse import grad, value_and_grad, vjp
from .vectorize import vmap

__all__ = [
    "GradientTape",
    "check_gradients",
    "custom_gradient",
    "grad",
    "hessian",
    "jacobian",
    "jvp",
    "rematerialise",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]
