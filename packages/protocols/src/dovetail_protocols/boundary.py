"""What becomes an array where a function takes one: the boundary between Python's values and a graph's."""

from __future__ import annotations

from .arrays import is_variable, provider
from .dtypes import with_scalar
from .errors import DTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .dtypes import DType
    from .metas import Device

_NUMBERS = frozenset({bool, int, float, complex})


def is_number_list(value: Any) -> bool:
    """Whether a value is a nested list of numbers, which becomes an array: by value, every new list would be another
    argument."""
    return type(value) is list and bool(value) and all(type(v) in _NUMBERS or is_number_list(v) for v in value)


def array_for(value: Any, dtype: DType, device: Device) -> Any | None:
    """The array that a value becomes for an argument of that dtype on that device, or None where it has none.

    An array is itself and a variable is read, whatever their dtypes; Python numbers take the dtype where no kind is
    lost; what is no array yet goes to the device.
    """
    if provider().is_array(value):
        return value
    if is_variable(value):
        from .operations import read_variable

        return read_variable(value)
    if isinstance(value, (bool, int, float, complex)) or is_number_list(value):
        return provider().convert(value, dtype if _fits(value, dtype) else None, device)
    is_foreign = hasattr(type(value), "__array__") or hasattr(type(value), "__dlpack__")
    return provider().convert(value, None, device) if is_foreign else None


def _fits(value: Any, wanted: DType) -> bool:
    """Whether numbers can have a dtype without changing kind."""
    if isinstance(value, list):
        return all(_fits(item, wanted) for item in value)
    if isinstance(value, bool):
        return wanted.kind == "boolean"
    try:
        return with_scalar(wanted, value) is wanted
    except DTypeError:
        return False
