"""Module, and what is built on it: layers, losses, initializers, metrics."""

from .module import Module

__all__ = ["Module"]
