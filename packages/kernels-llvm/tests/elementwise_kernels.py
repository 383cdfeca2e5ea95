"""Elementwise operations run in kernels of their own, many in one, and the numbers that they are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dovetail_kernels_llvm.codegen.builder import Builder
from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.codegen.types import COMPUTED, STORED, size_bytes, vector
from dovetail_kernels_llvm.elementwise import emit, from_memory, to_memory
from dovetail_kernels_llvm.kernels.kernel import Kernel, Launch, View
from dovetail_kernels_llvm.runtime.plain import run
from dovetail_protocols.records import record

IN_MEMORY = {dtype: np.dtype("uint16" if dtype == "bfloat16" else dtype) for dtype in STORED}
"""dtype → that of NumPy's arrays here: bfloat16 as its bits."""

GROUP = 12
"""Operations in one kernel."""


@record
class Call:
    """An operation with the dtypes of its operands and of its result. `last`: a number that the last operand is.
    `then`: an operation on the value, of the first operand's dtype, that gives the result."""

    operation: str
    dtypes: tuple[str, ...]
    result: str
    attributes: tuple[tuple[str, Any], ...] = ()
    last: float | None = None
    then: str | None = None


def alike(operation: str, dtype: str, count: int = 1, **attributes: Any) -> Call:
    """A call whose operands and result are of one dtype."""
    return Call(operation, (dtype,) * count, dtype, tuple(attributes.items()))


def compute(calls: Sequence[Call], operands: Sequence[Any], lanes: int | None = None) -> list[Any]:
    """The result of each call on the first of the operands (arrays of one length, of the calls' dtypes)."""
    size = operands[0].size
    padded = [np.concatenate([one, np.repeat(one[-1:], -size % 64)]) for one in operands]
    results = [np.empty(padded[0].size, IN_MEMORY[call.result]) for call in calls]
    buffers = dict(enumerate([*padded, *results]))
    launches = []
    for start in range(0, len(calls), GROUP):
        group = range(start, min(start + GROUP, len(calls)))
        places = [*range(len(operands)), *(len(operands) + place for place in group)]
        arguments = [View(place, "int8", (), ()) for place in places]
        text = _text([calls[place] for place in group], len(operands), lanes)
        launches.append(Launch(Kernel(text, "test"), (*arguments, padded[0].size), ()))
    run(launches, buffers)
    return [result[:size] for result in results]


def _text(calls: Sequence[Call], operand_count: int, lanes: int | None) -> str:
    b = Builder(isa())
    count = b.integer(operand_count + len(calls))
    for place, call in enumerate(calls):
        width = lanes or b.isa.lanes(max(4, *map(size_bytes, (*call.dtypes, call.result))))
        with b.loop(0, count, width) as index:
            loaded = call.dtypes if call.last is None else call.dtypes[:-1]
            values = [
                from_memory(
                    b, dtype, b.load(vector(STORED[dtype], width), b.offset(b.pointer(k), index, STORED[dtype]))
                )
                for k, dtype in enumerate(loaded)
            ]
            if call.last is not None:
                values.append(b.constant(vector(COMPUTED[call.dtypes[-1]], width), call.last))
            result = call.dtypes[0] if call.then else call.result
            value = emit(b, call.operation, values, call.dtypes, result, dict(call.attributes))
            if call.then:
                value = emit(b, call.then, [value], [result], call.result, {})
            to = b.offset(b.pointer(operand_count + place), index, STORED[call.result])
            b.store(to_memory(b, call.result, value), to)
    return b.text()


def bfloat16_bits(x: Any) -> Any:
    """float32 rounded to bfloat16, as bits; of NaN a quiet one."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(x), 0x7FC0, rounded).astype(np.uint16)


def wide(dtype: str, stored: Any) -> Any:
    """Half precision as float32; the others as they are."""
    if dtype == "bfloat16":
        return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return stored.astype(np.float32) if dtype == "float16" else stored


def spread(dtype: str, *, per_exponent: int = 32, seed: int = 0) -> Any:
    """Numbers of every exponent and either sign, subnormal ones, those about the ends of the intervals that functions
    are computed on, and those that are special."""
    bits, unsigned, exponents = {"float32": (23, np.uint32, 512), "float64": (52, np.uint64, 4096)}[dtype]
    random = np.random.default_rng(seed)
    tops = np.arange(exponents, dtype=unsigned) << unsigned(bits)
    fractions = random.integers(0, 2**bits, (exponents, per_exponent), dtype=unsigned)
    ordinary = random.uniform(-20, 20, 4096)
    return np.concatenate(
        [(tops[:, None] | fractions).view(dtype).ravel(), ordinary.astype(dtype), edges(dtype), special(dtype)]
    )


def edges(dtype: str) -> Any:
    """The neighbors of numbers at which functions change from one way of computing to another, or leave the range."""
    multiples = np.arange(1, 40)
    ends = [0.41421356, 0.5, 0.625, 0.70710678, 0.9, 1.0, 1.41421356, 4.0, 6.0, 9.02, 19.1, 18.0, 38.0]
    range_ends = [87.33655, 88.72284, 89.41599, 103.97208, 126.0, 127.0, 128.0, 149.0, 150.0, 708.39642, 709.78271]
    range_ends += [710.47586, 744.44007, 745.13322, 1022.0, 1023.0, 1024.0, 1074.0, 1075.0, 2.0**20, 2.0**28]
    numbers = np.concatenate([ends, range_ends, multiples * np.log(2) / 2, multiples * np.pi / 4, 2.0**multiples])
    steps = np.arange(-3, 4)[:, None] * np.finfo(dtype).eps * 2
    around = (numbers * (1 + steps)).ravel().astype(dtype)
    return np.concatenate([around, -around])


def special(dtype: str) -> Any:
    """Zeros, infinities, NaN, the ends of the ranges, whole numbers and halves."""
    info = np.finfo(dtype)
    positive = [0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 2.5, 7.0, np.inf, info.max, info.tiny, info.smallest_subnormal]
    return np.array([*positive, *(-one for one in positive), np.nan], dtype)


def pairs(values: Any) -> tuple[Any, Any]:
    """Every value with every value."""
    first, second = np.meshgrid(values, values)
    return first.ravel(), second.ravel()


def whole(dtype: str, seed: int = 0) -> tuple[Any, Any]:
    """Pairs of integers: all of 8 bits, else the ends of the range, small ones, and some of any size."""
    info = np.iinfo(dtype)
    if info.bits == 8:
        return pairs(np.arange(info.min, info.max + 1).astype(dtype))
    random = np.random.default_rng(seed)
    ends = np.array([info.min, info.min + 1, info.max, info.max - 1, *range(9), info.bits - 1, info.bits], dtype)
    if info.min:
        ends = np.concatenate([ends, -ends[4:]])
    edges = pairs(ends)
    drawn = random.integers(info.min, info.max, (2, 2000), dtype, endpoint=True)
    small = (drawn[1] >> (info.bits // 2)).astype(dtype)
    return np.concatenate([edges[0], drawn[0], drawn[0]]), np.concatenate([edges[1], drawn[1], small])


def errors(got: Any, expected: Any) -> Any:
    """How far results are from more precise ones, in units in the last place (below the normal range, of subnormal
    ones); infinite where one is NaN and the other isn't, or infinite."""
    with np.errstate(all="ignore"):
        rounded = expected.astype(got.dtype)
        unit = np.spacing(np.maximum(np.abs(rounded), np.finfo(got.dtype).tiny)).astype(expected.dtype)
        distance = np.abs(got.astype(expected.dtype) - expected) / unit
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    finite = np.isfinite(rounded) & np.isfinite(got)
    return np.where(finite, distance, np.where(same, 0.0, np.inf)).astype(np.float64)


def worst(got: Any, expected: Any, *operands: Any) -> tuple[float, str]:
    """The largest error, and where it is."""
    distances = errors(got, expected)
    place = int(np.argmax(distances))
    at = ", ".join(repr(one[place].item()) for one in operands)
    return float(distances[place]), f"{distances[place]:.3f} ulp at {at}: {got[place]!r} for {expected[place]!r}"
