"""Batching rules, one module for each family of operations, as in dovetail_protocols.operations."""

from . import elementwise, reductions

__all__ = ["elementwise", "reductions"]
