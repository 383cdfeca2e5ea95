"""Reading and assigning a variable: operations, so that a tape can watch and a tracer lift what a function touches."""

from __future__ import annotations

from ..errors import DTypeError, ShapeError
from ..operation import primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import EachDType, Variable


@primitive(version=1)
def read_variable(variable: Variable, /) -> EachDType:
    """The variable's value now, as an array that later assignments don't change."""
    return variable


@primitive(version=1)
def assign_variable(variable: Variable, value: EachDType, /) -> EachDType:
    """Gives the variable another value, and returns it. Nothing changes when the shape or dtype is refused."""
    if variable.shape != value.shape:
        raise ShapeError(
            "assign: the shape differs from the variable's",
            where="assign, argument value",
            expected=f"{variable.shape}",
            got=f"{value.shape}",
            fix="reshape the value, or make a new Variable; a Variable's shape never changes",
        )
    if variable.dtype is not value.dtype:
        raise DTypeError(
            "assign: the dtype differs from the variable's",
            where="assign, argument value",
            expected=f"{variable.dtype}",
            got=f"{value.dtype}",
            fix=f"convert the value with .astype({str(variable.dtype)!r})",
        )
    return variable
