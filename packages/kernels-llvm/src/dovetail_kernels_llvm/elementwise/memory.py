"""Between elements as they lie in memory and as they are computed with: bools as bytes, half precision as single."""

from __future__ import annotations

from ..codegen.builder import Builder, Value


def from_memory(b: Builder, dtype: str, stored: Value) -> Value:
    """Lanes of a dtype's STORED type in its COMPUTED type."""
    if dtype == "bool":
        return b.compare("ne", stored, b.constant(stored.type, 0))
    if dtype == "float16":
        return _widened(b, stored) if b.isa.old else b.convert("fpext", stored, "float")
    if dtype == "bfloat16":
        wide = b.convert("zext", stored, "i32")
        return b.convert("bitcast", b.operate("shl", wide, b.constant(wide.type, 16)), "float")
    return stored


def to_memory(b: Builder, dtype: str, value: Value) -> Value:
    """Lanes of a dtype's COMPUTED type in its STORED type."""
    if dtype == "bool":
        return b.convert("zext", value, "i8")
    if dtype == "float16":
        if b.isa.old:
            return _narrowed(b, value)
        # The fence keeps LLVM from looking through to a double that the value was, whose conversion is a library's.
        return b.convert("fptrunc", b.intrinsic("llvm.arithmetic.fence", value.type, value), "half")
    if dtype == "bfloat16":
        bits = b.convert("bitcast", value, "i32")
        odd = b.operate("and", b.operate("lshr", bits, b.constant(bits.type, 16)), b.constant(bits.type, 1))
        rounded = b.add(b.add(bits, b.constant(bits.type, 0x7FFF)), odd)
        quiet = b.operate("or", bits, b.constant(bits.type, 0x400000))
        kept = b.select(b.compare("uno", value, value), quiet, rounded)
        return b.convert("trunc", b.operate("lshr", kept, b.constant(kept.type, 16)), "i16")
    return value


def as_stored(b: Builder, dtype: str, value: Value) -> Value:
    """A value of the COMPUTED type, rounded to what the dtype can represent."""
    return from_memory(b, dtype, to_memory(b, dtype, value)) if dtype in ("float16", "bfloat16") else value


# The conversions of float16 by whole numbers follow F. Giesen, "Float → half conversions", 2012 (public domain).


def _widened(b: Builder, half: Value) -> Value:
    """float16 as single precision where no instruction does it."""
    bits = b.convert("zext", b.convert("bitcast", half, "i16"), "i32")

    def number(value: int) -> Value:
        return b.constant(bits.type, value)

    sign = b.operate("shl", b.operate("and", bits, number(0x8000)), number(16))
    magnitude = b.operate("shl", b.operate("and", bits, number(0x7FFF)), number(13))
    # As bits of a float, the magnitude is too small by 2^112, the subnormal too: one product puts both right.
    small = b.convert("bitcast", magnitude, "float")
    scaled = b.convert("bitcast", b.mul(small, b.constant(small.type, 2.0**112)), "i32")
    is_special = b.compare("uge", magnitude, number(0x7C00 << 13))
    special = b.operate("or", magnitude, number(0x7F800000))
    return b.convert("bitcast", b.operate("or", sign, b.select(is_special, special, scaled)), "float")


def _narrowed(b: Builder, single: Value) -> Value:
    """Single precision rounded to float16, halfway cases to even, where no instruction does it."""
    bits = b.convert("bitcast", single, "i32")

    def number(value: int) -> Value:
        return b.constant(bits.type, value)

    sign = b.operate("and", bits, number(0x80000000))
    magnitude = b.operate("xor", bits, sign)
    # What is below the normal range of float16: adding ½ puts the last place of float16 where that of the sum is.
    half = b.convert("bitcast", number(0x3F000000), "float")
    total = b.instruction(f"fadd {b.convert('bitcast', magnitude, 'float')}, {half.text}", single.type)
    subnormal = b.sub(b.convert("bitcast", total, "i32"), number(0x3F000000))
    odd = b.operate("and", b.operate("lshr", magnitude, number(13)), number(1))
    rebiased = b.add(magnitude, number((15 - 127) * (1 << 23) + 0xFFF))
    normal = b.operate("lshr", b.add(rebiased, odd), number(13))
    finite = b.select(b.compare("ult", magnitude, number(113 << 23)), subnormal, normal)
    is_nan = b.compare("ugt", magnitude, number(0x7F800000))
    special = b.select(is_nan, number(0x7E00), number(0x7C00))
    result = b.select(b.compare("uge", magnitude, number((127 + 16) << 23)), special, finite)
    result = b.operate("or", result, b.operate("lshr", sign, number(16)))
    return b.convert("bitcast", b.convert("trunc", result, "i16"), "half")
