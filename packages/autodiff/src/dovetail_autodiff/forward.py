"""jvp: forward mode. An interpreter that carries the tangent of each array along, and rules that push it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dovetail_protocols.dispatch import apply_under, current, interpreting
from dovetail_protocols.errors import GradientError, SignatureError
from dovetail_protocols.operation import Operation

from .arguments import Arguments, parameter_names
from .extend import GRADIENTS, NOT_DIFFERENTIABLE, PULLBACKS, PUSHFORWARDS, TANGENTS
from .reverse import conform, outputs_of, split_aux
from .seeds import zeros_like
from .structure import flatten_like, unflatten
from .tape import Tape, accumulate, pull_back, renewed, run_forward

if TYPE_CHECKING:
    from dovetail_protocols.roles import Interpreter


class TangentCarrier:
    """Interpreter that knows the tangents of arrays and variables, by identity (`held` keeps ids valid)."""

    __slots__ = ("held", "parent", "tangents")

    def __init__(self, parent: Interpreter | None) -> None:
        self.parent = parent
        self.tangents: dict[int, Any] = {}
        self.held: list[Any] = []

    def carry(self, array: Any, tangent: Any) -> None:
        """Gives an array its tangent; None stands for zero."""
        if tangent is not None and tangent.dtype.is_differentiable:
            self.held.append(array)
            self.tangents[id(array)] = tangent

    def follow(self, original: Any, copy: Any) -> None:
        """Treats an array as the same value as another: see `tape.alias`."""
        self.carry(copy, self.tangents.get(id(original)))

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        tangents = tuple([self.tangents.get(id(operand)) for operand in operands])
        if operation in NOT_DIFFERENTIABLE or all(tangent is None for tangent in tangents):
            return apply_under(self.parent, operation, operands, attributes)
        if operation in PUSHFORWARDS:
            with interpreting(self.parent):
                result, pushed = PUSHFORWARDS[operation](tangents, *operands, **attributes)
        elif operation in TANGENTS:
            result = apply_under(self.parent, operation, operands, attributes)
            with interpreting(self.parent):
                pushed = TANGENTS[operation](tangents, result, *operands, **attributes)
        elif operation in GRADIENTS:
            result = apply_under(self.parent, operation, operands, attributes)
            rule = GRADIENTS[operation]
            pushed = self._transpose(lambda u: rule(u, result, *operands, **attributes), result, tangents)
        elif operation in PULLBACKS:
            wanted = tuple([tangent is not None for tangent in tangents])
            result, pullback = run_forward(self.parent, PULLBACKS[operation], wanted, operands, attributes)
            pushed = self._transpose(pullback, result, tangents)
        elif not operation.is_primitive:
            return operation.decompose(*operands, **attributes)
        else:
            result = apply_under(self.parent, operation, operands, attributes)
            if any(one.dtype.is_differentiable for one in (result if type(result) is tuple else (result,))):
                raise _no_derivative(operation)
            return result
        if type(result) is not tuple:
            return self._enter(result, pushed)
        return tuple([self._enter(one, tangent) for one, tangent in zip(result, pushed, strict=True)])

    def _enter(self, result: Any, tangent: Any) -> Any:
        if id(result) in self.tangents:
            result = renewed(result)
        self.carry(result, tangent)
        return result

    def _transpose(self, pullback: Callable[[Any], Any], result: Any, tangents: Sequence[Any]) -> Any:
        """The tangent of the result by the reverse rule: a pullback is linear in its cotangent u, so the gradient with
        respect to u of ⟨pullback(u), tangents⟩ is the tangent pushed forward, at any u.

        Source: J. Townsend, "A new trick for calculating Jacobian vector products", 2017.
        """
        several = type(result) is tuple
        with interpreting(self.parent):
            tape = Tape(self.parent)
            cotangents = tuple([zeros_like(one) for one in (result if several else (result,))])
            for cotangent in cotangents:
                tape.watch(cotangent)
            with interpreting(tape):
                pulled = pullback(cotangents if several else cotangents[0])
                pulled = pulled if type(pulled) is tuple else (pulled,)
                pulled = [one() if callable(one) else one for one in pulled]
            seeds: dict[int, Any] = {}
            for one, tangent in zip(pulled, tangents, strict=True):
                if one is not None and tangent is not None:
                    accumulate(seeds, one, tangent)
            pushed = pull_back(tape, seeds, cotangents)
        return tuple(pushed) if several else pushed[0]


def _no_derivative(operation: Operation) -> GradientError:
    return GradientError(
        f"{operation.name} has no forward derivative",
        where=f"{operation.short_name}, in jvp",
        expected="a rule declared with jvp_of, gradient_of or vjp_of, or a decomposition",
        got="a primitive operation without a rule",
        fix=f"declare one with dovetail_autodiff.extend.jvp_of({operation.short_name})",
    )


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False) -> Any:
    """The value of `function(*primals)` and its derivative along `tangents`: `(value, tangent)`.

    `primals` and `tangents` are tuples of one structure, with equal shapes and dtypes leaf by leaf. The tangent has the
    structure, shapes and dtypes of the value. `has_aux`: `function` returns `(value, aux)`, and the result is
    `(value, tangent, aux)`.

    Raises: SignatureError, StructureError, ShapeError or DTypeError where tangents don't fit; GradientError.
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise SignatureError(
            "jvp: primals and tangents are tuples, one entry for each argument",
            expected="jvp(f, (x,), (t,))",
            got=f"primals: {type(primals).__name__}, tangents: {type(tangents).__name__}",
        )
    arguments = Arguments(primals, parameter_names(function, len(primals)))
    given = flatten_like(arguments.structure, tuple(tangents), what="the tangents given to jvp")
    carrier = TangentCarrier(current())
    conformed = conform(given, arguments.sources, tuple(tangents), "tangents{}, given to jvp")
    for source, tangent in zip(arguments.sources, conformed, strict=True):
        carrier.carry(source, tangent)
    with interpreting(carrier):
        value, aux = split_aux(function(*arguments.values), has_aux, "jvp")
        outputs, structure = outputs_of(value, "jvp")
    pushed = [carrier.tangents.get(id(output)) for output in outputs]
    pushed = [
        zeros_like(output) if tangent is None else tangent for output, tangent in zip(outputs, pushed, strict=True)
    ]
    value, tangent = unflatten(structure, outputs), unflatten(structure, pushed)
    return (value, tangent, aux) if has_aux else (value, tangent)
