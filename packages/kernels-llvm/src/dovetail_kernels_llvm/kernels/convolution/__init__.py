"""Convolutions over any number of spatial axes, channels last, and their gradients."""

from __future__ import annotations

from .descriptions import Convolution, FilterGradient, InputGradient
from .epilogue import is_possible, plain
from .filter_gradient import convolution_filter_gradient_launches
from .launches import convolution_input_gradient_launches, convolution_launches

__all__ = [
    "Convolution",
    "FilterGradient",
    "InputGradient",
    "convolution_filter_gradient_launches",
    "convolution_input_gradient_launches",
    "convolution_launches",
    "is_possible",
    "plain",
]
