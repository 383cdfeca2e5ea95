"""What a call is differentiated with respect to: the arrays and variables in some of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.errors import DTypeError, SignatureError
from dovetail_protocols.roles import SupportsVariables

from .structure import flatten, leaf_paths, unflatten
from .tape import alias


class Arguments:
    """The differentiated arguments of one call, flat.

    `sources` are arrays (under an identity of their own) and variables; `structure` is that of the arguments, in which
    an object that holds variables counts as the list of its trainable variables. `values` are what the function is to
    be called with.
    """

    def __init__(self, values: Sequence[Any], names: Sequence[str]) -> None:
        leaves, outer = flatten(tuple(values))
        places: list[Any] = []
        passed: list[Any] = []
        for leaf in leaves:
            try:
                place, value = _place(leaf)
            except (DTypeError, SignatureError) as error:
                error.where = _where(leaf_paths(tuple(values))[len(places)], names)
                raise
            places.append(place)
            passed.append(value)
        self.values: tuple[Any, ...] = unflatten(outer, passed)
        self.sources, self.structure = flatten(unflatten(outer, places))

    def put_into(self, args: Sequence[Any], argnums: Sequence[int]) -> list[Any]:
        """All positional arguments of the call, with those that are differentiated in their places."""
        passed = list(args)
        for position, value in zip(argnums, self.values, strict=True):
            passed[position] = value
        return passed

    def mirror(self, leaves: Sequence[Any], position: int | None = None) -> Any:
        """Gradients (or tangents) in the structure of the arguments; of the one at `position`, where it is given."""
        mirrored = unflatten(self.structure, leaves)
        return mirrored if position is None else mirrored[position]


def _where(path: str, names: Sequence[str]) -> str:
    """ "[0]['w']" as "argument x['w']"."""
    first, _, rest = path.partition("]")
    return f"argument {names[int(first[1:])]}{rest}"


def _place(leaf: Any) -> tuple[Any, Any]:
    """What stands for a leaf among the sources, and what is passed to the function."""
    if is_variable(leaf):
        _check_dtype(leaf)
        return leaf, leaf
    if not provider().is_array(leaf) and isinstance(leaf, SupportsVariables):
        return list(leaf.trainable_variables), leaf
    array = _as_array(leaf)
    _check_dtype(array)
    array = alias(array)
    return array, array


def _as_array(leaf: Any) -> Any:
    """The leaf as an array.

    Raises: SignatureError for what can't be one.
    """
    try:
        if isinstance(leaf, str):
            raise TypeError("a string is no array")
        return provider().convert(leaf)
    except (TypeError, ValueError) as error:
        raise SignatureError(
            "can't differentiate with respect to a value that is no array",
            expected="an array, a variable, an object with trainable_variables, or a container of these",
            got=f"{type(leaf).__name__}: {leaf!r}",
            fix="leave the argument out of argnums, or bind it with functools.partial",
        ) from error


def _check_dtype(source: Any) -> None:
    dtype = source.meta.dtype
    if not dtype.is_differentiable:
        raise DTypeError(
            f"can't differentiate with respect to {dtype}",
            expected="a floating or complex dtype",
            got=f"{source.meta}",
            fix="convert it with .astype(...) (for a Python int write 3.0), or leave the argument out of argnums",
        )


def parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    """Names of the first positional parameters, for messages; "0", "1", … where they can't be had."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return [str(position) for position in range(count)]
    skipped = 1 if hasattr(function, "__self__") else 0
    names = [repr(name) for name in code.co_varnames[skipped : code.co_argcount]]
    return [names[position] if position < len(names) else str(position) for position in range(count)]


def select(args: Sequence[Any], argnums: int | Sequence[int], name: str) -> tuple[int, ...]:
    """The positions that `argnums` names, non-negative.

    Raises: SignatureError for one that the call doesn't have, or names twice.
    """
    given = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    chosen = tuple(position + len(args) if position < 0 else position for position in given)
    if any(not 0 <= position < len(args) for position in chosen) or len(set(chosen)) != len(chosen):
        raise SignatureError(
            f"{name}: argnums doesn't fit the call",
            expected=f"distinct positions below {len(args)}, the number of positional arguments",
            got=f"argnums={argnums!r}",
            fix="pass what is differentiated as a positional argument; argnums counts from 0",
        )
    return chosen
