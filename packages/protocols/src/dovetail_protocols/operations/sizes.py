"""Checks of shapes, sizes and numbers that are given as attributes. Each names the operation and the argument."""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeGuard

    from ..dtypes import DType


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is an integer, NumPy's included, and no bool."""
    return hasattr(value, "__index__") and not isinstance(value, bool)


def in_tuple(value: int | Sequence[int]) -> tuple[int, ...]:
    """The value, in a tuple if it is one integer."""
    if is_whole(value):
        return (value,)
    several: Any = value  # TypeGuard doesn't tell what the value is where the answer is no
    return tuple(several)


def whole(operation: str, argument: str, value: object, *, least: int | None = None) -> int:
    """The value, if it is an integer, and not below `least`.

    Raises: AttributeValueError.
    """
    wanted = "an int" if least is None else f"an int of at least {least}"
    if not is_whole(value) or (least is not None and value < least):
        raise AttributeValueError(
            f"{operation}: {argument} is not {wanted}",
            where=f"{operation}, {argument}",
            expected=wanted,
            got=repr(value),
        )
    return value


def check_number(operation: str, argument: str, value: complex, dtype: DType) -> None:
    """Raises AttributeValueError for a number that a dtype has no place for: a fraction among integers, a complex one
    among reals."""
    fits = isinstance(value, bool) or is_whole(value) or dtype.is_complex
    if not fits and not (dtype.is_floating and not isinstance(value, complex)):
        raise AttributeValueError(
            f"{operation}: {argument} {value!r} is no {dtype}",
            where=f"{operation}, {argument}",
            expected=f"a number that {dtype} can hold",
            got=repr(value),
        )


def as_shape(operation: str, shape: int | Sequence[int], *, argument: str = "shape") -> tuple[int, ...]:
    """Non-negative sizes as a tuple; an int stands for one axis.

    Raises: AttributeValueError.
    """
    sizes = (shape,) if is_whole(shape) else shape
    if not isinstance(sizes, tuple):
        raise AttributeValueError(
            f"{operation}: {argument} is not a tuple of ints",
            where=f"{operation}, {argument}",
            expected="sizes that are known before the call",
            got=repr(shape),
        )
    return tuple(whole(operation, argument, size, least=0) for size in sizes)


def resolve_shape(operation: str, size: int, shape: int | Sequence[int]) -> tuple[int, ...]:
    """The sizes that a reshape to `shape` means for an array of `size` elements; at most one of them is -1.

    Raises: ShapeError where the elements don't fill the shape, AttributeValueError where it is no shape.
    """
    wanted = in_tuple(shape)
    open_axes = [axis for axis, entry in enumerate(wanted) if is_whole(entry) and entry == -1]
    known = as_shape(operation, tuple(entry for axis, entry in enumerate(wanted) if axis not in open_axes))
    filled = 1
    for entry in known:
        filled = filled * entry
    if len(open_axes) > 1:
        raise AttributeValueError(f"{operation}: shape {wanted} leaves {len(open_axes)} sizes open", expected="one -1")
    if open_axes:
        if filled == 0 or size % filled != 0:
            raise _misfit(operation, size, wanted, f"a multiple of {filled}")
        axis = open_axes[0]
        return (*wanted[:axis], size // filled, *wanted[axis + 1 :])
    if filled != size:
        raise _misfit(operation, size, wanted, filled)
    return known


def _misfit(operation: str, size: int, wanted: tuple[int, ...], expected: object) -> ShapeError:
    return ShapeError(
        f"{operation}: {size} elements do not fill shape {wanted}",
        where=f"{operation}, shape",
        expected=f"{expected} elements",
        got=f"{size}",
        fix="correct the shape, or leave one size open with -1",
    )
