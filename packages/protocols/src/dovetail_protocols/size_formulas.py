"""Formulas of sizes that are not known while a graph is made: plain data, computed when the sizes are known."""

from __future__ import annotations

import operator

from .errors import GraphError
from .records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Expression = Any
    """An int; ("size", number) for an unknown size; or (name of an operator, *expressions)."""

OPERATORS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name)
    for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "abs", "eq", "ne", "lt", "le", "gt", "ge")
}
UNARY = frozenset({"neg", "abs"})
COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%"}


@record
class Formula:
    """A size, or a number in an attribute, that depends on unknown sizes: what stands for it in a GraphTemplate."""

    expression: Expression

    def __str__(self) -> str:
        return text(self.expression)


def evaluate(expression: Expression, sizes: Sequence[Any]) -> Any:
    """The number (of a comparison: the truth) that an expression stands for, given the unknown sizes by number."""
    if type(expression) is not tuple:
        return expression
    kind, *operands = expression
    if kind == "size":
        return sizes[operands[0]]
    return OPERATORS[kind](*(evaluate(operand, sizes) for operand in operands))


def substitute(value: Any, sizes: Sequence[Any]) -> Any:
    """The value with every Formula in it, also in tuples, replaced by its number.

    Raises: GraphError for a formula that has none, such as a division by zero.
    """
    if type(value) is Formula:
        try:
            return evaluate(value.expression, sizes)
        except (ArithmeticError, LookupError) as error:
            raise GraphError(
                f"the size {value} can't be computed", got=f"sizes {', '.join(map(str, sizes))}", cause=str(error)
            ) from error
    if type(value) is tuple:
        return tuple([substitute(item, sizes) for item in value])
    return value


def text(expression: Expression) -> str:
    """An expression as a person would write it: "?0*2"."""
    if type(expression) is not tuple:
        return str(expression)
    kind, *operands = expression
    if kind == "size":
        return f"?{operands[0]}"
    if kind in _SIGNS:
        return f"({_SIGNS[kind].join(text(operand) for operand in operands)})"
    return f"{kind}({', '.join(text(operand) for operand in operands)})"
