"""The extension surface of autodiff: how an operation gets its gradient, its forward derivative and its batching rule.

It stands here, so that a plug-in that brings an operation can bring its rules too, whether or not a package that
differentiates is installed. An operation without rule is differentiated through its decomposition.

Rules are written in operations and run under the interpreter that was in force around the transformation, so that
every order of derivative, tracing and batching of a rule works without further code.
"""

from __future__ import annotations

from .errors import InvalidNameError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .operation import Operation

    Rule = Callable[..., Any]

GRADIENTS: dict[Operation, Rule] = {}
PULLBACKS: dict[Operation, Rule] = {}
TANGENTS: dict[Operation, Rule] = {}
PUSHFORWARDS: dict[Operation, Rule] = {}
BATCHERS: dict[Operation, Rule] = {}
NOT_DIFFERENTIABLE: dict[Operation, str] = {}


def gradient_of(operation: Operation) -> Callable[[Rule], Rule]:
    """Declares the reverse rule: `rule(cotangent, result, *operands, **attributes)`.

    It gives one cotangent for each operand, in a tuple, or bare where there is one operand; None stands for zero.
    One that is dear may come as a function without arguments, which is called only where the cotangent is needed. Where
    the operation has several results, `cotangent` and `result` are tuples (cotangents that are zero come as zeros).
    """
    return _entering(GRADIENTS, operation)


def vjp_of(operation: Operation) -> Callable[[Rule], Rule]:
    """Declares the general reverse rule, which runs the forward pass itself and may keep what it likes.

    `rule(wanted, *operands, **attributes)` gives (result, pullback), and `pullback(cotangent)` what a rule declared by
    `gradient_of` gives.

    `wanted` says for each operand whether its cotangent is asked for; others may be given or left out as None.
    """
    return _entering(PULLBACKS, operation)


def jvp_of(operation: Operation) -> Callable[[Rule], Rule]:
    """Declares the forward rule: `rule(tangents, result, *operands, **attributes)` gives the tangent of the result (a
    tuple of them for several results). `tangents` has one entry for each operand, None for zero. An operation without
    one is differentiated forward through its reverse rule."""
    return _entering(TANGENTS, operation)


def pushforward_of(operation: Operation) -> Callable[[Rule], Rule]:
    """Declares the general forward rule, which runs the operation itself, so that values and tangents share their work:
    `rule(tangents, *operands, **attributes)` gives (result, tangent), tangents as for `jvp_of`."""
    return _entering(PUSHFORWARDS, operation)


def batching_of(operation: Operation) -> Callable[[Rule], Rule]:
    """Declares how vmap treats the operation: `rule(size, is_batched, *operands, **attributes)`.

    `is_batched` says for each operand whether its first axis is the batch, of `size`. The rule gives the result with
    the batch as its first axis (every result, where there are several).
    """
    return _entering(BATCHERS, operation)


def not_differentiable(operation: Operation, reason: str) -> None:
    """States that an operation's results carry no gradient: they are integers, or constant almost everywhere."""
    NOT_DIFFERENTIABLE[operation] = reason


def _entering(table: dict[Operation, Rule], operation: Operation) -> Callable[[Rule], Rule]:
    def enter(rule: Rule) -> Rule:
        if operation in table:
            raise InvalidNameError(
                f"{operation.name} has such a rule already",
                where=table[operation].__module__,
                fix="declare an operation of your own; the rules of others can't be replaced",
            )
        table[operation] = rule
        return rule

    return enter
