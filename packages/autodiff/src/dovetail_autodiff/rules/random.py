"""Random bits."""

from dovetail_protocols import operations as ops

from ..extend import not_differentiable

not_differentiable(ops.random_bits, "random bits are integers, drawn from integers")
