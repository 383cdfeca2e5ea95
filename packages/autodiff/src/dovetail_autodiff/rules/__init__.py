"""Reverse and forward rules, one module for each family of operations, as in dovetail_protocols.operations."""

from . import arithmetic, linear_algebra, variables

__all__ = ["arithmetic", "linear_algebra", "variables"]
