"""Rounding to whole numbers, in the type of the operand."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from ..codegen.types import is_float
from .bits import FRACTION_BITS, absolute, with_sign
from .exact import plain_add, plain_sub


def round_(b: Builder, x: Value) -> Value:
    """The nearest whole number, of two the even one."""
    if not is_float(x.type):
        return x
    if not b.isa.old:
        return b.intrinsic("llvm.roundeven", x.type, x)
    # What is added has 1 as its last place, so that the sum is rounded to whole numbers.
    big = with_sign(b, b.constant(x.type, 2.0 ** FRACTION_BITS[x.element]), x)
    near = with_sign(b, plain_sub(b, plain_add(b, x, big), big), x)  # −0.3 gives −0
    is_fraction = b.compare("olt", absolute(b, x), b.constant(x.type, 2.0 ** FRACTION_BITS[x.element]))
    return b.select(is_fraction, near, x)


def floor(b: Builder, x: Value) -> Value:
    """The largest whole number that is not above x."""
    if not is_float(x.type):
        return x
    if not b.isa.old:
        return b.intrinsic("llvm.floor", x.type, x)
    near = round_(b, x)
    lower = b.sub(near, b.constant(x.type, 1.0))
    return b.select(b.compare("ogt", near, x), lower, near)


def ceil(b: Builder, x: Value) -> Value:
    """The smallest whole number that is not below x."""
    if not is_float(x.type):
        return x
    if not b.isa.old:
        return b.intrinsic("llvm.ceil", x.type, x)
    near = round_(b, x)
    upper = with_sign(b, b.add(near, b.constant(x.type, 1.0)), x)  # −0.7 gives −0
    return b.select(b.compare("olt", near, x), upper, near)


def trunc(b: Builder, x: Value) -> Value:
    """The nearest whole number toward zero."""
    if not is_float(x.type):
        return x
    if not b.isa.old:
        return b.intrinsic("llvm.trunc", x.type, x)
    return with_sign(b, floor(b, absolute(b, x)), x)
