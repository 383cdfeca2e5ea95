"""jacobian and hessian: all first or second derivatives of a function, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import AttributeValueError, DTypeError, SignatureError

from .arguments import Arguments, parameter_names, select
from .forward import TangentCarrier
from .reverse import Linearization, outputs_of, split_aux
from .seeds import zeros_like
from .structure import unflatten
from .vectorize import vmap


def jacobian(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    mode: str = "reverse",
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that gives the derivative of every element of the value by every element of the arguments.

    For a value of shape (*value,) and an argument of shape (*argument,) it is an array (*value, *argument): containers
    of the value outside, those of the arguments inside; `argnums` and `has_aux` as in `grad` (with `has_aux` the result
    is `(jacobian, aux)`). `mode`: "reverse" makes one backward pass for each element of the value, "forward" one
    forward pass for each element of the arguments, all of them in one batch. Choose by which are fewer.

    Raises: AttributeValueError for another mode, DTypeError where value or arguments are complex; and what `grad` and
    `vmap` raise.
    """
    if mode not in _MODES:
        raise AttributeValueError("jacobian: unknown mode", expected='"reverse" or "forward"', got=repr(mode))

    @wraps(function, updated=())
    def differentiated(*args: Any, **keywords: Any) -> Any:
        chosen = select(args, argnums, "jacobian")
        position = 0 if isinstance(argnums, int) else None
        rows, structure, arguments, aux = _MODES[mode](function, args, chosen, keywords, has_aux)
        result = unflatten(structure, [arguments.mirror(row, position) for row in rows])
        return (result, aux) if has_aux else result

    return differentiated


def hessian(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives all second derivatives of a scalar function: forward mode over reverse mode.

    For one array (*argument,) it is (*argument, *argument); for containers, the containers of the arguments within
    those of the arguments. `argnums` and `has_aux` as in `jacobian`.
    """
    return jacobian(jacobian(function, argnums, has_aux=has_aux), argnums, mode="forward", has_aux=has_aux)


def _by_rows(
    function: Callable[..., Any], args: Sequence[Any], chosen: Sequence[int], keywords: Any, has_aux: bool
) -> Any:
    linear = Linearization("jacobian", function, args, chosen, keywords, has_aux)
    refuse_complex([*linear.outputs, *linear.arguments.sources])
    rows = [pull_rows(partial(_pull_one, linear, output), output) for output in linear.outputs]
    return rows, linear.structure, linear.arguments, linear.aux


def _pull_one(linear: Linearization, output: Any, cotangent: Any) -> list[Any]:
    return linear.pull([output], [cotangent])


def pull_rows(pull: Callable[[Any], list[Any]], output: Any) -> list[Any]:
    """From cotangents of one array to gradients of sources, for every element: arrays (*output, *source)."""
    basis = standard_basis(output)
    gradients = vmap(pull)(basis)
    return [ops.reshape(rows, shape=(*output.meta.shape, *rows.shape[1:])) for rows in gradients]


def _by_columns(
    function: Callable[..., Any], args: Sequence[Any], chosen: Sequence[int], keywords: Any, has_aux: bool
) -> Any:
    names = parameter_names(function, len(args))
    arguments = Arguments([args[p] for p in chosen], [names[p] for p in chosen])
    refuse_complex(arguments.sources)
    if not arguments.sources:
        raise SignatureError("jacobian: the arguments hold no array to differentiate", got=repr(arguments.values))
    passed = arguments.put_into(args, chosen)
    seen: list[Any] = []

    def push(source: Any, tangent: Any) -> list[Any]:
        carrier = TangentCarrier(current())
        carrier.carry(source, tangent)
        with interpreting(carrier):
            value, aux = split_aux(function(*passed, **keywords), has_aux, "jacobian")
            outputs, structure = outputs_of(value, "jacobian")
        seen[:] = [structure, aux]
        refuse_complex(outputs)
        return [carrier.tangents[id(o)] if id(o) in carrier.tangents else zeros_like(o) for o in outputs]

    columns = []
    for source in arguments.sources:
        pushed = vmap(partial(push, source), out_axes=-1)(standard_basis(source))
        columns.append([ops.reshape(c, shape=(*c.shape[:-1], *source.meta.shape)) for c in pushed])
    structure, aux = seen
    return list(zip(*columns, strict=True)), structure, arguments, aux


_MODES = {"reverse": _by_rows, "forward": _by_columns}


def standard_basis(array: Any) -> Any:
    """(size, *shape): for each element of an array, the array that is 1 there and 0 elsewhere."""
    meta = array.meta
    return ops.reshape(ops.eye(n_rows=meta.size, dtype=meta.dtype, device=meta.device), shape=(meta.size, *meta.shape))


def refuse_complex(arrays: Sequence[Any]) -> None:
    """Raises DTypeError for a complex array: its derivative is no single number."""
    for array in arrays:
        if array.meta.dtype.is_complex:
            raise DTypeError(
                "jacobian: arguments and values must not be complex",
                expected="a floating dtype",
                got=f"{array.meta}",
                fix="differentiate real(...) and imag(...) of a complex value by themselves",
            )
