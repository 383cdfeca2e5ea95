"""Arguments and results as nested containers: to JSON and back, taken apart, and put together.

A structure is a tuple, list or dict (nested) of Slots, which stand for arrays, and of plain Python values. A named
tuple is kept as a tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.errors import StructureError
from dovetail_protocols.functions import Slot

_PLAIN = (bool, int, str, type(None))
DEEPEST = 32
_CONTAINERS: dict[str, type] = {"tuple": tuple, "list": list}


def encode(structure: Any, what: str) -> Any:
    """The structure as JSON data.

    Raises: StructureError, naming `what`, for a container or a value that has no such form.
    """
    if isinstance(structure, Slot):
        return {"slot": structure.number}
    if type(structure) in _PLAIN:
        return structure
    if type(structure) is float:
        return {"float": repr(structure)}
    if isinstance(structure, tuple) and (type(structure) is tuple or hasattr(structure, "_fields")):
        return {"tuple": [encode(item, what) for item in structure]}
    if type(structure) is list:
        return {"list": [encode(item, what) for item in structure]}
    if isinstance(structure, dict) and all(type(key) in (str, int) for key in structure):
        return {"dict": [[key, encode(item, what)] for key, item in structure.items()]}
    raise StructureError(
        f"{what} can't be kept in a file",
        got=f"a {type(structure).__name__}",
        expected="tensors, bool, int, float, str, None, and tuples, lists and dicts of them",
    )


def decode(read: Any, depth: int = 0) -> Any:
    """The structure of JSON data.

    Raises: ValueError for data of another form.
    """
    if type(read) in _PLAIN:
        return read
    if type(read) is dict and len(read) == 1 and depth <= DEEPEST:
        ((kind, content),) = read.items()
        if kind == "slot" and type(content) is int and content >= 0:
            return Slot(content)
        if kind == "float" and type(content) is str:
            return float(content)
        if kind in _CONTAINERS and type(content) is list:
            return _CONTAINERS[kind](decode(item, depth + 1) for item in content)
        if kind == "dict" and type(content) is list:
            pairs = [(_key(key), decode(item, depth + 1)) for key, item in content]
            if len(dict(pairs)) != len(pairs):
                raise ValueError("a key stands twice in a structure")
            return dict(pairs)
    raise ValueError(f"a structure has no known form: {read!r:.80}")


def _key(read: Any) -> str | int:
    if type(read) not in (str, int):
        raise ValueError(f"a key of a structure is {read!r:.80}")
    return read  # type: ignore[no-any-return] # one of the two


def slots(structure: Any) -> Iterator[int]:
    """The numbers of the slots of a structure, in order."""
    if isinstance(structure, Slot):
        yield structure.number
    elif isinstance(structure, Mapping):
        for item in structure.values():
            yield from slots(item)
    elif isinstance(structure, list | tuple):
        for item in structure:
            yield from slots(item)


def output_names(result: Any) -> tuple[str, ...] | None:
    """The names of a signature's outputs, in order: keys of a dict, otherwise "output_0", …; None for a result that is
    no array, no flat sequence of arrays and no flat dict of them."""
    if isinstance(result, Slot):
        return ("output_0",)
    if isinstance(result, dict):
        is_named = all(type(key) is str and isinstance(item, Slot) for key, item in result.items())
        return tuple(result) if is_named else None
    if isinstance(result, list | tuple) and all(isinstance(item, Slot) for item in result):
        return tuple(f"output_{place}" for place in range(len(result)))
    return None


def fill(structure: Any, arrays: Sequence[Any]) -> Any:
    """The structure with arrays in place of its slots."""
    if isinstance(structure, Slot):
        return arrays[structure.number]
    if isinstance(structure, dict):
        return {key: fill(item, arrays) for key, item in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(fill(item, arrays) for item in structure)
    return structure


def take_apart(structure: Any, value: Any, take: Callable[[int, Any], bool]) -> bool:
    """Whether a value has a structure: the same containers, the same plain values, and at each slot something that
    `take(number, value)` accepts."""
    if isinstance(structure, Slot):
        return take(structure.number, value)
    if isinstance(structure, dict):
        return (
            isinstance(value, Mapping)
            and value.keys() == structure.keys()
            and all(take_apart(item, value[key], take) for key, item in structure.items())
        )
    if isinstance(structure, list | tuple):
        return (
            isinstance(value, list if isinstance(structure, list) else tuple)
            and len(value) == len(structure)
            and all(take_apart(*pair, take) for pair in zip(structure, value, strict=True))
        )
    if isinstance(value, list | tuple | Mapping) or provider().is_array(value) or is_variable(value):
        return False
    return type(value) is type(structure) and repr(value) == repr(structure)  # tells -0.0 from 0.0, takes NaN for NaN


def shown(structure: Any, describe: Callable[[int], str]) -> str:
    """The structure for a reader: "{'y': float32[?,3]}"."""
    if isinstance(structure, Slot):
        return describe(structure.number)
    if isinstance(structure, dict):
        return "{" + ", ".join(f"{key!r}: {shown(item, describe)}" for key, item in structure.items()) + "}"
    if isinstance(structure, list):
        return "[" + ", ".join(shown(item, describe) for item in structure) + "]"
    if isinstance(structure, tuple):
        inside = ", ".join(shown(item, describe) for item in structure)
        return f"({inside},)" if len(structure) == 1 else f"({inside})"
    return repr(structure)
