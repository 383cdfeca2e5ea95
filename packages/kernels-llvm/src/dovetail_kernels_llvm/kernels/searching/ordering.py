"""The order of elements: NaN is above all others and equal to itself, zeros of both signs are equal."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, FLOATING, SIGNED, SIZES, STORED, is_float, vector
from ...elementwise import from_memory


def compared_type(dtype: str) -> str:
    """The type in which elements of a dtype are compared: of 4 or 8 bytes."""
    computed = COMPUTED[dtype]
    return computed if is_float(computed) or SIZES[computed] == 8 else "i32"


def load_compared(b: Builder, dtype: str, pointer: Value, lanes: int) -> Value:
    """Elements that lie side by side, in the type in which they are compared."""
    value = from_memory(b, dtype, b.load(vector(STORED[dtype], lanes), pointer))
    wanted = compared_type(dtype)
    if value.element == wanted:
        return value
    return b.convert("sext" if dtype in SIGNED else "zext", value, wanted)


def is_less(b: Builder, dtype: str, a: Value, c: Value) -> Value:
    """Whether a comes before c; nothing comes after NaN."""
    if dtype in FLOATING:
        return b.operate("and", b.compare("ult", a, c), b.compare("ord", a, a))
    return b.compare("slt" if dtype in SIGNED else "ult", a, c)


def is_beyond(b: Builder, dtype: str, new: Value, old: Value, *, greatest: bool) -> Value:
    """Whether a new element takes the place of the most extreme one so far: greater, less, or the first NaN."""
    if dtype in FLOATING:
        further = b.compare("ugt" if greatest else "ult", new, old)
        return b.operate("and", further, b.compare("ord", old, old))
    sign = "s" if dtype in SIGNED else "u"
    return b.compare(f"{sign}{'gt' if greatest else 'lt'}", new, old)
