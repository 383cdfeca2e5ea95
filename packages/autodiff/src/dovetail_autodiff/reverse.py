"""grad, value_and_grad and vjp: reverse mode as functions of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import DTypeError, ShapeError, SignatureError

from .arguments import Arguments, parameter_names, select
from .seeds import ones_like, zeros_like
from .structure import Structure, flatten, flatten_like, leaf_paths, unflatten
from .tape import Tape, accumulate, pull_back


class Linearization:
    """One call of a function under a tape: the arrays of its value, and the way back, any number of times.

    `outputs` and `structure` are the value, flat; `aux` what came beside it with `has_aux`.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        argnums: Sequence[int],
        keywords: Mapping[str, Any],
        has_aux: bool,
    ) -> None:
        names = parameter_names(function, len(args))
        self.arguments = Arguments([args[p] for p in argnums], [names[p] for p in argnums])
        self.tape = Tape(current())
        for source in self.arguments.sources:
            self.tape.watch(source)
        with interpreting(self.tape):
            result = function(*self.arguments.put_into(args, argnums), **keywords)
            value, self.aux = split_aux(result, has_aux, name)
            self.outputs, self.structure = outputs_of(value, name)
        self.tape.is_recording = False

    def pull(self, outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        """Gradients for the sources, zeros where nothing flows, from cotangents of some of the outputs."""
        seeds: dict[int, Any] = {}
        for output, cotangent in zip(outputs, cotangents, strict=True):
            accumulate(seeds, output, cotangent)
        found = pull_back(self.tape, seeds, self.arguments.sources)
        return [
            zeros_like(source) if gradient is None else gradient
            for source, gradient in zip(self.arguments.sources, found, strict=True)
        ]


def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the value of `function`, a scalar, and its gradient: `(value, gradient)`.

    `argnums` says which positional arguments to differentiate with respect to: an int, then the gradient is that
    argument's; or several, then it is a tuple. Arguments may be nested containers; gradients mirror them. An argument
    with `trainable_variables` (a module) gets the list of their gradients, in that order, and a Variable its own. Where
    nothing depends on an argument its gradient is zeros. For a complex argument the gradient is ∂f/∂Re + i·∂f/∂Im, the
    direction of steepest ascent, as in TensorFlow.
    `has_aux`: `function` returns `(value, aux)`, and the result is `((value, aux), gradient)`.

    Raises: ShapeError where the value is no scalar, DTypeError where it or an argument is not floating,
    GradientError for an operation without gradient.
    """

    @wraps(function, updated=())
    def differentiated(*args: Any, **keywords: Any) -> Any:
        chosen = select(args, argnums, "grad")
        linear = Linearization("grad", function, args, chosen, keywords, has_aux)
        value = _scalar(linear)
        gradients = [ascent(gradient) for gradient in linear.pull([value], [ones_like(value)])]
        mirrored = linear.arguments.mirror(gradients, 0 if isinstance(argnums, int) else None)
        return ((value, linear.aux) if has_aux else value), mirrored

    return differentiated


def grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of `function`, a scalar: as `value_and_grad`, without the value.

    With `has_aux` it gives `(gradient, aux)`.
    """
    with_value = value_and_grad(function, argnums, has_aux=has_aux)

    @wraps(function, updated=())
    def differentiated(*args: Any, **keywords: Any) -> Any:
        value, gradient = with_value(*args, **keywords)
        return (gradient, value[1]) if has_aux else gradient

    return differentiated


def ascent(cotangent: Any) -> Any:
    """The direction of steepest ascent, from a cotangent: its conjugate, where it is complex."""
    return ops.conj(cotangent) if cotangent.dtype.is_complex else cotangent


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `function(*primals)` and its pullback: `(value, pullback)`, with `has_aux` `(value, pullback, aux)`.

    `pullback(cotangent)` takes what has the structure, shapes and dtypes of the value, and gives a tuple with one
    cotangent for each primal, in its structure. It may be called any number of times. Complex cotangents pair without
    conjugation: the pullback of a holomorphic function multiplies by its derivative.
    """
    linear = Linearization("vjp", function, primals, range(len(primals)), {}, has_aux)
    outputs, structure = linear.outputs, linear.structure

    def pullback(cotangent: Any) -> Any:
        return linear.arguments.mirror(linear.pull(outputs, _cotangents(cotangent, outputs, structure)))

    value = unflatten(structure, outputs)
    return (value, pullback, linear.aux) if has_aux else (value, pullback)


def outputs_of(value: Any, name: str) -> tuple[list[Any], Structure]:
    """The arrays of a function's value, and its structure.

    Raises: SignatureError for a leaf that is no array.
    """
    leaves, structure = flatten(value)
    outputs: list[Any] = []
    for leaf in leaves:
        try:
            outputs.append(provider().convert(leaf))
        except (TypeError, ValueError) as error:
            raise SignatureError(
                f"{name}: the function returned something that is no array",
                where=f"its value{leaf_paths(value)[len(outputs)]}",
                expected="arrays, or containers of them",
                got=f"{type(leaf).__name__}: {leaf!r}",
                fix="return other things beside the value: `return value, others` with has_aux=True",
            ) from error
    return outputs, structure


def _cotangents(given: Any, outputs: Sequence[Any], structure: Structure) -> list[Any]:
    """Cotangents for the outputs, checked against them."""
    leaves = flatten_like(structure, given, what="the cotangent given to a pullback")
    return conform(leaves, outputs, given, "cotangent{}, given to a pullback")


def conform(leaves: Sequence[Any], like: Sequence[Any], tree: Any, where: str) -> list[Any]:
    """Cotangents or tangents as arrays of the metas of what they belong to. `where` is a text with a place for the path
    of a leaf in `tree`.

    Raises: ShapeError, DTypeError.
    """
    conformed: list[Any] = []
    for leaf, other in zip(leaves, like, strict=True):
        try:
            conformed.append(_conform(leaf, other))
        except (ShapeError, DTypeError) as error:
            error.where = where.format(leaf_paths(tree)[len(conformed)])
            raise
    return conformed


def _conform(given: Any, like: Any) -> Any:
    expected = like.meta
    array = (
        given if provider().is_array(given) else provider().convert(given, dtype=expected.dtype, device=expected.device)
    )
    if tuple(array.shape) != tuple(expected.shape):
        raise ShapeError("the shape differs from the value's", expected=f"{expected.shape}", got=f"{array.shape}")
    if array.dtype is not expected.dtype:
        raise DTypeError(
            "the dtype differs from the value's",
            expected=f"{expected.dtype}",
            got=f"{array.dtype}",
            fix=f"convert it with .astype({str(expected.dtype)!r})",
        )
    return array


def split_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise SignatureError(
            f"{name} with has_aux=True: the function must return (value, aux)",
            expected="a tuple of two",
            got=f"{type(result).__name__}",
        )
    return result


def _scalar(linear: Linearization) -> Any:
    """The value of a function as the 0-d floating array that can be differentiated.

    Raises: SignatureError, ShapeError, DTypeError.
    """
    if len(linear.outputs) != 1 or not linear.structure.is_leaf():
        raise SignatureError(
            "grad: the function must return a scalar array",
            expected="one 0-d array",
            got=f"a container of {len(linear.outputs)} arrays",
            fix="return only the loss; further results need has_aux=True and `return loss, others`",
        )
    [array] = linear.outputs
    if tuple(array.shape) != ():
        raise ShapeError(
            "grad: the function must return a scalar",
            expected="shape ()",
            got=f"{array.shape}",
            fix="reduce it with sum or mean, or use jacobian or vjp for several values",
        )
    if not array.dtype.is_floating:
        raise DTypeError(
            "grad: the function must return a floating scalar",
            expected="a floating dtype",
            got=f"{array.dtype}",
            fix="take real(...) or abs(...) of a complex value; convert integers with .astype(...)",
        )
    return array
