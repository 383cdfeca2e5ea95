"""Module, and what is built on it: layers, losses, initializers, metrics."""

from . import activations, initializers, layers, losses, metrics
from .module import Module
from .summary import Summary, summary

__all__ = ["Module", "Summary", "activations", "initializers", "layers", "losses", "metrics", "summary"]
