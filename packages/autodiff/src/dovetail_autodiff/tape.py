"""Reverse mode: an interpreter that notes the operations on what it watches, and the pass back over its notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dovetail_protocols import arrays
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import apply_under, current, interpreting
from dovetail_protocols.errors import GradientError
from dovetail_protocols.operation import Operation

from .extend import GRADIENTS, NOT_DIFFERENTIABLE, PULLBACKS
from .seeds import zeros_like

if TYPE_CHECKING:
    from dovetail_protocols.roles import Interpreter

Record = tuple[Operation, tuple[Any, ...], Any, Mapping[str, Any], Callable[..., Any] | None]
"""Operation, operands, result (a tuple of several), attributes, and the pullback where the rule keeps one."""

_read_variable = ops.read_variable
_NO_ATTRIBUTES: Mapping[str, Any] = {}


class Tape:
    """Interpreter that notes each operation with a watched operand, whose results are watched from then on.

    Arrays and variables are told apart by identity: what is watched is held by `records` and `sources`, so that ids
    stay valid. `watches_variables`: a trainable variable is watched as soon as it is read.
    """

    __slots__ = ("is_recording", "parent", "records", "sources", "watched", "watches_variables")

    def __init__(self, parent: Interpreter | None, *, watches_variables: bool = False) -> None:
        self.parent = parent
        self.records: list[Record] = []
        self.sources: list[Any] = []
        self.watched: set[int] = set()
        self.is_recording = True
        self.watches_variables = watches_variables

    def watch(self, source: Any) -> None:
        """Watches an array or a variable from now on."""
        self.sources.append(source)
        self.watched.add(id(source))

    def follow(self, original: Any, copy: Any) -> None:
        """Treats an array as the same value as another: see `identity.alias`."""
        if self.is_recording and id(original) in self.watched:
            self.watched.add(id(copy))
            self.records.append((_read_variable, (original,), copy, {}, None))

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        watched = self.watched
        for operand in operands:
            if id(operand) in watched and self.is_recording:
                break
        else:
            if not (operation is _read_variable and self._wants(operands[0])):
                return apply_under(self.parent, operation, operands, attributes)
            self.watch(operands[0])
        pullback = None
        if operation in GRADIENTS:
            if self.parent is None and operation is not _read_variable:
                given = _NO_ATTRIBUTES if attributes is operation._defaults else attributes
                result = arrays.call(operation, operands, given)
            else:
                result = apply_under(self.parent, operation, operands, attributes)
        elif operation in PULLBACKS:
            wanted = tuple([id(operand) in watched for operand in operands])
            result, pullback = run_forward(self.parent, PULLBACKS[operation], wanted, operands, attributes)
        elif operation in NOT_DIFFERENTIABLE:
            return apply_under(self.parent, operation, operands, attributes)
        elif not operation.is_primitive:
            return operation.decompose(*operands, **attributes)
        else:
            result = apply_under(self.parent, operation, operands, attributes)
        key = id(result)
        if type(result) is tuple:
            result = tuple([self._note(one) for one in result])
        elif key in watched:
            result = self._note(result)
        else:
            watched.add(key)
        self.records.append((operation, operands, result, attributes, pullback))
        return result

    def _wants(self, variable: Any) -> bool:
        return self.is_recording and self.watches_variables and variable.trainable

    def _note(self, result: Any) -> Any:
        """Watches a result. One that is watched already (an operand passed through) gets an identity of its own."""
        if id(result) in self.watched:
            result = renewed(result)
        self.watched.add(id(result))
        return result


def renewed(array: Any) -> Any:
    """The same value as another array object."""
    return arrays.provider().wrap(array.payload, array.meta)


def run_forward(
    parent: Interpreter | None,
    rule: Callable[..., Any],
    wanted: tuple[bool, ...],
    operands: tuple[Any, ...],
    attributes: Mapping[str, Any],
) -> tuple[Any, Callable[..., Any]]:
    """Result and pullback of an operation by the rule that runs its forward pass."""
    with interpreting(parent):
        result, pullback = rule(wanted, *operands, **attributes)
    return result, pullback


def pull_back(tape: Tape, cotangents: dict[int, Any], sources: Iterable[Any]) -> list[Any | None]:
    """The gradient for each source, None where nothing flows; `cotangents` are those of the targets, by identity.

    Rules run under the interpreter in force now, so that what surrounds the tape sees the backward pass too.

    Raises: GradientError where a gradient flows through an operation that has no rule and no decomposition.
    """
    sources = list(sources)
    kept = {id(source) for source in sources}
    watched = tape.watched
    for operation, operands, result, attributes, pullback in reversed(tuple(tape.records)):
        cotangent = _take(cotangents, result, kept)
        if cotangent is None:
            continue
        if pullback is not None:
            found = pullback(cotangent)
        else:
            found = _rule(operation)(cotangent, result, *operands, **attributes)
        if type(found) is not tuple:
            found = (found,)
        if len(found) != len(operands):
            raise _wrong_count(operation, len(operands), len(found))
        for operand, contribution in zip(operands, found, strict=True):
            if contribution is not None and id(operand) in watched:
                accumulate(cotangents, operand, contribution)
    return [cotangents.get(id(source)) if id(source) in watched else None for source in sources]


def accumulate(cotangents: dict[int, Any], array: Any, contribution: Any) -> None:
    """Adds to an array's cotangent. Nothing flows to integers. A contribution may be a function that gives it."""
    if callable(contribution):
        contribution = contribution()
    if contribution is None or not contribution.dtype.is_differentiable:
        return
    key = id(array)
    before = cotangents.get(key)
    cotangents[key] = contribution if before is None else ops.add(before, contribution)


def _take(cotangents: dict[int, Any], result: Any, kept: set[int]) -> Any:
    """The cotangent of a result, forgotten unless it is a source's; of several a tuple, or None if all are zero."""
    if type(result) is not tuple:
        key = id(result)
        return cotangents.get(key) if key in kept else cotangents.pop(key, None)
    taken = [_take(cotangents, one, kept) for one in result]
    if all(one is None for one in taken):
        return None
    return tuple([zeros_like(one) if given is None else given for one, given in zip(result, taken, strict=True)])


def _rule(operation: Operation) -> Callable[..., Any]:
    rule = GRADIENTS.get(operation)
    if rule is None:
        raise GradientError(
            f"{operation.name} has no gradient",
            where=f"{operation.short_name}, in the backward pass",
            expected="a rule declared with gradient_of or vjp_of, or a decomposition",
            got="a primitive operation without a rule",
            fix=f"declare one with dovetail_autodiff.extend.gradient_of({operation.short_name}), or cut the gradient "
            "before it with stop_gradient",
        )
    return rule


def _wrong_count(operation: Operation, expected: int, got: int) -> GradientError:
    return GradientError(
        f"the gradient rule of {operation.name} gave {got} cotangents for {expected} operands",
        where=f"{operation.short_name}, in the backward pass",
        expected=f"a tuple of {expected}",
        got=f"{got}",
        fix="return one cotangent for each operand, None for one that gets none",
    )


def alias(array: Any) -> Any:
    """The same value as another array object, so that a transformation's argument isn't taken for the original, which
    the function may also reach by closure. Interpreters that tell arrays apart by identity are told."""
    copy = renewed(array)
    interpreter: Any = current()
    while interpreter is not None:
        follow = getattr(interpreter, "follow", None)
        if follow is not None:
            follow(array, copy)
        interpreter = getattr(interpreter, "parent", None)
    return copy
