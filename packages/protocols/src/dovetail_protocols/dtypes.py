"""Data types, and how they promote: Python array API standard 2024.12, extended by bfloat16 and the float8 types.

Beyond the standard: an integer with a floating dtype gives the floating dtype (never a wider one in silence).
"""

from __future__ import annotations

from .errors import DTypeError
from .records import record

BOOLEAN, SIGNED, UNSIGNED, FLOATING, COMPLEX = "boolean", "signed", "unsigned", "floating", "complex"


@record
class DType:
    """A data type. One object for each name, so identity is equality.

    `name` as in the array API ("float32"), `kind` one of "boolean", "signed", "unsigned", "floating", "complex";
    `size_bytes` per element.
    """

    name: str
    kind: str
    size_bytes: int

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def is_floating(self) -> bool:
        return self.kind == FLOATING

    @property
    def is_integer(self) -> bool:
        return self.kind in (SIGNED, UNSIGNED)

    @property
    def is_complex(self) -> bool:
        return self.kind == COMPLEX

    @property
    def is_differentiable(self) -> bool:
        return self.kind in (FLOATING, COMPLEX)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return dtype, (self.name,)

    def __copy__(self) -> DType:
        return self

    def __deepcopy__(self, memo: object) -> DType:
        return self


bool_ = DType("bool", BOOLEAN, 1)
int8, int16, int32, int64 = (DType(f"int{8 * size}", SIGNED, size) for size in (1, 2, 4, 8))
uint8, uint16, uint32, uint64 = (DType(f"uint{8 * size}", UNSIGNED, size) for size in (1, 2, 4, 8))
float8_e4m3fn, float8_e5m2 = DType("float8_e4m3fn", FLOATING, 1), DType("float8_e5m2", FLOATING, 1)
bfloat16, float16 = DType("bfloat16", FLOATING, 2), DType("float16", FLOATING, 2)
float32, float64 = DType("float32", FLOATING, 4), DType("float64", FLOATING, 8)
complex64, complex128 = DType("complex64", COMPLEX, 8), DType("complex128", COMPLEX, 16)

ALL = (
    *(bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64),
    *(float8_e4m3fn, float8_e5m2, bfloat16, float16, float32, float64, complex64, complex128),
)
_BY_NAME = {known.name: known for known in ALL}

DEFAULT_INTEGER, DEFAULT_FLOATING, DEFAULT_COMPLEX, DEFAULT_INDEX = int32, float32, complex64, int64


def dtype(name: str | DType) -> DType:
    """The data type of that name.

    Raises: DTypeError for an unknown name.
    """
    if type(name) is DType:
        return name
    found = _BY_NAME.get(str(name))
    if found is None:
        raise DTypeError(f"unknown dtype {name!r}", expected=", ".join(_BY_NAME), got=repr(name))
    return found


def promote(first: DType, second: DType) -> DType:
    """The dtype in which operands of two dtypes meet.

    Raises: DTypeError for pairs that have none: bool with a number, uint64 with a signed integer, float8 with others.
    Source: array API 2024.12, Type Promotion Rules; mixed kinds as stated at the head of this file.
    """
    if first is second:
        return first
    promoted = _PROMOTION.get((first.name, second.name))
    if promoted is None:
        raise DTypeError(
            f"no common dtype for {first} and {second}",
            expected="two dtypes that promote without loss of kind (array API 2024.12, Type Promotion Rules)",
            got=f"{first} and {second}",
            fix="convert one of them with .astype(...)",
        )
    return promoted


def _promotion_table() -> dict[tuple[str, str], DType]:
    table: dict[tuple[str, str], DType] = {}

    def enter(first: DType, second: DType, result: DType) -> None:
        table[first.name, second.name] = table[second.name, first.name] = result

    signed, unsigned = (int8, int16, int32, int64), (uint8, uint16, uint32, uint64)
    for family in (
        signed,
        unsigned,
        (float16, float32, float64),
        (bfloat16, float32, float64),
        (complex64, complex128),
    ):
        for position, narrow in enumerate(family):
            for wide in family[position:]:
                enter(narrow, wide, wide)
    enter(bfloat16, float16, float32)
    for integer in signed:
        for natural in unsigned[:3]:
            enter(integer, natural, max(integer, _BY_NAME[f"int{16 * natural.size_bytes}"], key=lambda t: t.size_bytes))
    for integer in signed + unsigned:
        for inexact in (bfloat16, float16, float32, float64, complex64, complex128):
            enter(integer, inexact, inexact)
    for floating in (bfloat16, float16, float32):
        enter(floating, complex64, complex64)
        enter(floating, complex128, complex128)
    enter(float64, complex64, complex128)
    enter(float64, complex128, complex128)
    return table


_PROMOTION = _promotion_table()


def with_scalar(array: DType, scalar: bool | int | float | complex) -> DType:
    """The dtype in which an array meets a Python scalar, which is weak: it adds a kind, never a width.

    Raises: DTypeError where the standard leaves it undefined: a number with a bool array.
    """
    if isinstance(scalar, bool):
        return array
    if array is bool_:
        raise DTypeError(f"a bool array and the Python number {scalar!r} have no common dtype", fix="use .astype(...)")
    if isinstance(scalar, int) or array.is_complex:
        return array
    if isinstance(scalar, float):
        return array if array.is_floating else DEFAULT_FLOATING
    return complex128 if array is float64 else DEFAULT_COMPLEX


def takes_scalar(array: DType, scalar: bool | int | float | complex) -> bool:
    """Whether a Python scalar takes the dtype of an array that it meets, so that the array keeps it."""
    if isinstance(scalar, bool) or array.kind == COMPLEX:
        return True
    if array.kind == FLOATING:
        return not isinstance(scalar, complex)
    return array.is_integer and isinstance(scalar, int)


def of_scalar(scalar: bool | int | float | complex) -> DType:
    """The dtype of a Python scalar that stands alone: bool, int32, float32 or complex64.

    An int that doesn't fit int32 becomes int64, one beyond that uint64.
    """
    if isinstance(scalar, bool):
        return bool_
    if isinstance(scalar, int):
        if -(2**31) <= scalar < 2**31:
            return DEFAULT_INTEGER
        return int64 if scalar < 2**63 else uint64
    return DEFAULT_FLOATING if isinstance(scalar, float) else DEFAULT_COMPLEX
