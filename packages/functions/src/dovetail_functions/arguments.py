"""From the arguments of a call to what a trace is looked up by: their form, and the arrays among them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from dovetail_protocols.errors import SignatureError

from . import nested
from .leaves import array_of, is_number_list, key_of
from .nested import Structure


class Arguments:
    """The arguments of one call, flattened.

    `form` is all that a trace depends on but the sizes of arrays: structure, dtypes, ranks, Python values, identities.
    `leaves` are the leaves with arrays converted; `places` says which of them are arrays, and `arrays` has those.
    """

    __slots__ = ("arrays", "form", "leaves", "places", "structure")

    def __init__(
        self, structure: Structure, leaves: list[Any], keys: Sequence[Hashable], places: tuple[int, ...]
    ) -> None:
        self.structure, self.leaves, self.places = structure, leaves, places
        self.form = (structure, tuple(keys))
        self.arrays = [leaves[place] for place in places]

    def rebuild(self, arrays: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments with other arrays in place of these."""
        leaves = list(self.leaves)
        for place, array in zip(self.places, arrays, strict=True):
            leaves[place] = array
        args, kwargs = nested.unflatten(self.structure, leaves)
        return args, kwargs

    def names(self, positional: Sequence[str]) -> list[str]:
        """A name for each array, for readers of the graph: "x", "params['kernel']"."""
        paths = nested.leaf_paths(self.structure)
        return [argument_name(paths[place], positional) for place in self.places]


def flatten_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any], positional: Sequence[str] = ()) -> Arguments:
    """The arguments of a call, flattened; NumPy arrays and lists of numbers become tensors. `positional` has names for
    errors.

    Raises: SignatureError for a value that no trace can be keyed by.
    """
    leaves, structure = nested.flatten((args, dict(kwargs)), is_leaf=is_number_list)
    keys: list[Hashable] = []
    places: list[int] = []
    for place, leaf in enumerate(leaves):
        array = array_of(leaf)
        if array is None:
            keys.append(key_of(leaf, argument_name(nested.leaf_paths(structure)[place], positional)))
            continue
        leaves[place] = array
        places.append(place)
        keys.append(("array", array.dtype, array.device, len(array.shape)))
    return Arguments(structure, leaves, keys, tuple(places))


_PATH = re.compile(r"\[(?P<part>[01])\]\[(?P<key>'[^']*'|\d+)\](?P<rest>.*)", re.DOTALL)


def argument_name(path: str, positional: Sequence[str] = ()) -> str:
    """A path into (args, kwargs) as a person would write it: "[0][1]['a']" → "params['a']"; "[1]['x']" → "x"."""
    found = _PATH.fullmatch(path)
    if found is None:
        return path
    key = found["key"].strip("'")
    if found["part"] == "0":
        key = positional[int(key)] if int(key) < len(positional) else key
    return key + found["rest"]


class Convention:
    """How a function takes its arguments, so that calls that mean the same look the same."""

    def __init__(self, function: Callable[..., Any]) -> None:
        try:
            self.signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):  # a builtin without a signature: calls are taken as written
            self.signature = None
        self.name = getattr(function, "__name__", type(function).__name__)

    def canonical(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments by position where they can be, with defaults filled in.

        Raises: SignatureError where the function doesn't take them.
        """
        if self.signature is None:
            return args, dict(kwargs)
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise SignatureError(
                f"{self.name} doesn't take these arguments",
                expected=f"{self.name}{self.signature}",
                got=str(error),
            ) from error
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def positional_names(self, count: int) -> list[str]:
        """Names for the positional arguments; "args[3]" for one that *args takes."""
        if self.signature is None:
            return [f"argument {place}" for place in range(count)]
        names: list[str] = []
        for parameter in self.signature.parameters.values():
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                names.append(parameter.name)
            elif parameter.kind is parameter.VAR_POSITIONAL:
                names += [f"{parameter.name}[{place}]" for place in range(count - len(names))]
        return names[:count]
