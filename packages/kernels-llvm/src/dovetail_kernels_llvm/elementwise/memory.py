"""Between elements as they lie in memory and as they are computed with: bools as bytes, half precision as single."""

from __future__ import annotations

from ..codegen.builder import Builder, Value


def from_memory(b: Builder, dtype: str, stored: Value) -> Value:
    """Lanes of a dtype's STORED type in its COMPUTED type."""
    if dtype == "bool":
        return b.compare("ne", stored, b.constant(stored.type, 0))
    if dtype == "float16":
        return b.convert("fpext", stored, "float")
    if dtype == "bfloat16":
        wide = b.convert("zext", stored, "i32")
        return b.convert("bitcast", b.operate("shl", wide, b.constant(wide.type, 16)), "float")
    return stored


def to_memory(b: Builder, dtype: str, value: Value) -> Value:
    """Lanes of a dtype's COMPUTED type in its STORED type."""
    if dtype == "bool":
        return b.convert("zext", value, "i8")
    if dtype == "float16":
        return b.convert("fptrunc", value, "half")
    if dtype == "bfloat16":
        bits = b.convert("bitcast", value, "i32")
        odd = b.operate("and", b.operate("lshr", bits, b.constant(bits.type, 16)), b.constant(bits.type, 1))
        rounded = b.add(b.add(bits, b.constant(bits.type, 0x7FFF)), odd)
        quiet = b.operate("or", bits, b.constant(bits.type, 0x400000))
        kept = b.select(b.compare("uno", value, value), quiet, rounded)
        return b.convert("trunc", b.operate("lshr", kept, b.constant(kept.type, 16)), "i16")
    return value


