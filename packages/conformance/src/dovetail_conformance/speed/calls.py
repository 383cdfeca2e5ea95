"""Calls to time: an operation on operands from small ones to some beyond the caches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dovetail_protocols.binding import bind_attributes, operand_of
from dovetail_protocols.dtypes import DType
from dovetail_protocols.dtypes import dtype as dtype_named
from dovetail_protocols.errors import AttributeValueError, DTypeError, ShapeError
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation

from ..calls import DEFAULTS, call_meta
from ..case_bank import cases_of
from ..cases import Buffer, Operand
from ..numpy_dtypes import numpy_dtype

Shapes = tuple[tuple[int, ...] | None, ...]

BLOCK = 65_537
"""How many values of an operand are drawn; more are these again."""

LENGTHS = ((1 << 8,), (1 << 12,), (1 << 16,), (1 << 20,), (1 << 23,))
ROWS = tuple((length // 256 or 1, 256) for length in (1 << 10, 1 << 14, 1 << 18, 1 << 22))
DEFAULT_SHAPES: dict[str, tuple[Shapes, ...]] = {
    "matmul": tuple(((n, n), (n, n)) for n in (16, 64, 256, 1024)),
    "conv": tuple(((8, n, n, c), (3, 3, c, c)) for n, c in ((8, 8), (16, 32), (32, 64), (56, 64))),
    "scaled_dot_product_attention": tuple(((8, n, 64),) * 3 for n in (16, 64, 256, 1024)),
    "layer_normalization": tuple((rows, rows[1:], rows[1:]) for rows in ROWS),
    "rms_normalization": tuple((rows, rows[1:]) for rows in ROWS),
    **{name: tuple((rows,) for rows in ROWS) for name in ("softmax", "log_softmax", "sort", "argsort")},
}
"""Operands of the operations for which a length won't do."""


@dataclass(frozen=True, slots=True)
class BenchmarkCall:
    """An operation on operands that are there, and what it is called in tables."""

    label: str
    inputs: tuple[Buffer | None, ...]
    meta: CallMeta
    several: bool


def default_shapes(
    operation: Operation, dtype: str, attributes: Mapping[str, Any], *, quick: bool = False
) -> list[Shapes]:
    """Operands from small ones to some beyond the caches: those of DEFAULT_SHAPES, else all of one length, or of one
    number of rows. `quick` leaves out the larger half.

    Raises: AttributeValueError where the operation takes none of these, saying how to give shapes; DTypeError;
    SignatureError for attributes that are missing or unknown.
    """
    bound = bind_attributes(operation, attributes)
    known = DEFAULT_SHAPES.get(operation.short_name) if operation.name.startswith("dovetail::") else None
    for family in [known] if known else [_alike(operation, LENGTHS), _alike(operation, ROWS)]:
        try:
            for shapes in family:
                operation.infer_with_values(_metas(operation, shapes, dtype), bound)
        except (ShapeError, AttributeValueError):
            continue
        return list(family[: (len(family) + 1) // 2] if quick else family)
    raise AttributeValueError(
        f"no default shapes are known for {operation.name}",
        where=operation.name,
        expected=f"shapes of {', '.join(operand.name for operand in operation.operands)}",
        fix="give them: --shapes 64x512,512x256 128x1024,1024x512, one word for a call, operands parted by commas",
    )


def _alike(operation: Operation, shapes: Sequence[tuple[int, ...]]) -> list[Shapes]:
    """All operands of one shape, optional ones left out."""
    return [tuple(None if operand.optional else shape for operand in operation.operands) for shape in shapes]


def call_of_shapes(operation: Operation, shapes: Shapes, dtype: str, attributes: Mapping[str, Any]) -> BenchmarkCall:
    """A call on operands of given shapes; None leaves an optional one out. Those that `dtype` fits have it. Values are
    drawn from the ranges of the operation's first case in the conformance bank.

    Raises: what `infer` raises, and DTypeError.
    """
    cases = next((case for case in cases_of(operation) if case.operands), None)
    recipes = () if cases is None else cases.operands
    inputs = [
        None if meta is None else _values(recipes[min(place, len(recipes) - 1)] if recipes else None, meta, place)
        for place, meta in enumerate(_metas(operation, shapes, dtype))
    ]
    meta, several = call_meta(operation, inputs, bind_attributes(operation, attributes), "cpu")
    return BenchmarkCall(label_of(meta), tuple(inputs), meta, several)


def label_of(call: CallMeta) -> str:
    """The shapes of a call's operands, one for all where they are alike: "64×512, 512×256"."""
    shapes = ["×".join(map(str, meta.shape)) or "0-d" for meta in call.operands if meta is not None]
    return shapes[0] if len(set(shapes)) == 1 else ", ".join(shapes)


def _metas(operation: Operation, shapes: Shapes, dtype: str) -> tuple[TensorMeta | None, ...]:
    fixed = sum(not operand.variadic for operand in operation.operands)
    complete = (*shapes, *[None] * (fixed - len(shapes)))
    return tuple(
        None if shape is None else TensorMeta(shape, _dtype_of(operation, place, dtype))
        for place, shape in enumerate(complete)
    )


def _values(recipe: Operand | None, meta: TensorMeta, place: int) -> Buffer:
    """An operand whose values are those of a recipe, over and over: what a kernel takes doesn't depend on more."""
    numpys = numpy_dtype(meta.dtype.name if recipe is None or recipe.dtype is None else recipe.dtype)
    if recipe is not None and recipe.values is not None:
        return np.resize(Operand(np.shape(recipe.values), values=recipe.values).make(numpys, place), meta.shape)
    low, high = (0.1, 0.9) if recipe is None else (recipe.low, recipe.high)
    return np.resize(Operand((min(max(meta.size, 1), BLOCK),), low, high).make(numpys, place), meta.shape)


def _dtype_of(operation: Operation, place: int, dtype: str) -> DType:
    operand = operand_of(operation, place)
    default = DEFAULTS.get(operand.type_variable)
    if default is None and dtype not in operand.dtypes and operand.type_variable == "T":
        raise DTypeError(
            f"{operation.short_name} doesn't take {dtype}",
            where=f"{operation.short_name}, operand {operand.name!r}",
            expected=", ".join(sorted(operand.dtypes)),
            got=dtype,
        )
    return dtype_named(default or (dtype if dtype in operand.dtypes else min(operand.dtypes)))
