"""Reading and assigning variables."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of, not_differentiable


@gradient_of(ops.read_variable)
def read_variable(cotangent: Any, result: Any, variable: Any) -> Any:
    return cotangent


@jvp_of(ops.read_variable)
def read_variable_forward(tangents: Any, result: Any, variable: Any) -> Any:
    return tangents[0]


not_differentiable(ops.assign_variable, "state is not followed: a gradient stops where a value enters a variable")
