"""Printing."""

from dovetail_protocols import operations as ops

from ..extend import not_differentiable

not_differentiable(ops.print, "printing gives no results")
