"""Rewritings that leave fewer cases to the rest of the planner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..kernels.cluster import REDUCTIONS
from .fusion import reduction_axes
from .ops import Body, Op, Value

Rewrite = Callable[[Body, Op], "list[Op] | Value | None"]


def canonicalize(body: Body) -> None:
    """Brings a body to the form that fusion and layout take: no operation that gives what it is given, reductions over
    leading or trailing axes only, matrices in products, and one operation for everything that joins arrays."""
    replaced: dict[int, Value] = {}
    ops: list[Op] = []
    for op in body.ops:
        pending = [op]
        while pending:
            one = _with_inputs(pending.pop(0), replaced)
            rewrite = REWRITES.get(one.name)
            result = rewrite(body, one) if rewrite is not None else None
            if result is None:
                ops.append(one)
            elif isinstance(result, Value):
                replaced[one.outputs[0].number] = result
            else:
                pending = [*result, *pending]
    body.ops = ops
    body.substitute(replaced)
    _join_scattered(body)
    body.drop_unused()


def _with_inputs(op: Op, replaced: Mapping[int, Value]) -> Op:
    if not any(value.number in replaced for value in op.given):
        return op
    inputs = tuple(None if value is None else replaced.get(value.number, value) for value in op.inputs)
    return Op(op.name, inputs, op.outputs, op.attributes, op.source)


def _identity(body: Body, op: Op) -> Value | None:
    return op.given[0]


def _same_shape(body: Body, op: Op) -> Value | None:
    return op.given[0] if op.given[0].shape == op.outputs[0].shape else None


def _same_dtype(body: Body, op: Op) -> Value | None:
    return op.given[0] if op.given[0].dtype == op.outputs[0].dtype else None


def reshape(value: Value, output: Value, source: str = "") -> Op:
    """The operation that gives a value another shape."""
    return Op("reshape", (value,), (output,), {"shape": output.shape, "copy": None}, source)


def permute(body: Body, value: Value, axes: tuple[int, ...], source: str = "") -> Op:
    output = body.new(tuple(value.shape[axis] for axis in axes), value.dtype)
    return Op("permute_dims", (value,), (output,), {"axes": axes}, source)


def _reduction(body: Body, op: Op) -> list[Op] | Value | None:
    """A reduction over axes in the middle gets them brought to the end; one over nothing is no reduction."""
    source, output = op.given[0], op.outputs[0]
    axes = reduction_axes(op)
    if not axes:
        if op.name in ("any", "all") and source.dtype != "bool":
            truth = body.new(source.shape, "bool")
            cast = Op("cast", (source,), (truth,), {"dtype": None}, op.source)
            return [cast, reshape(truth, output, op.source)]
        return [reshape(source, output, op.source)]
    if op.name in ("any", "all") and source.dtype != "bool":
        truth = body.new(source.shape, "bool")
        cast = Op("cast", (source,), (truth,), {"dtype": None}, op.source)
        return [cast, Op(op.name, (truth,), (output,), op.attributes, op.source)]
    kept = [axis for axis, size in enumerate(source.shape) if size != 1 and axis not in axes]
    if not kept or min(axes) > max(kept) or max(axes) < min(kept):
        return None
    others = [axis for axis in range(len(source.shape)) if axis not in axes]
    moved = permute(body, source, (*others, *axes), op.source)
    reduced = body.new(tuple(source.shape[axis] for axis in others), output.dtype)
    last = tuple(range(len(others), len(source.shape)))
    return [
        moved,
        Op(op.name, (moved.outputs[0],), (reduced,), {**op.attributes, "axis": last, "keepdims": False}, op.source),
        reshape(reduced, output, op.source),
    ]


def _matmul(body: Body, op: Op) -> list[Op] | None:
    """Vectors in a product become matrices of one row or column."""
    first, second = op.given
    if len(first.shape) > 1 and len(second.shape) > 1:
        return None
    ops: list[Op] = []
    if len(first.shape) == 1:
        row = body.new((1, *first.shape), first.dtype)
        ops.append(reshape(first, row, op.source))
        first = row
    if len(second.shape) == 1:
        column = body.new((*second.shape, 1), second.dtype)
        ops.append(reshape(second, column, op.source))
        second = column
    lead = max(first.shape[:-2], second.shape[:-2], key=len)
    if len(first.shape) > 2 and len(second.shape) > 2:
        raise AssertionError("both operands are matrices")
    product = body.new((*lead, first.shape[-2], second.shape[-1]), op.outputs[0].dtype)
    ops.append(Op("matmul", (first, second), (product,), op.attributes, op.source))
    return [*ops, reshape(product, op.outputs[0], op.source)]


# ---------------------------------------------------------------------- joining


def assemble(parts: list[tuple[Value, tuple[tuple[int, int], ...]]], fill: Any, output: Value, source: str) -> Op:
    """The planner's own operation for everything that puts arrays into a larger one: each part's elements go to
    (start, stride) along each axis; `fill` is the number everywhere else, or None where parts leave nothing."""
    inputs = tuple(value for value, _ in parts)
    return Op("assemble", inputs, (output,), {"places": tuple(place for _, place in parts), "fill": fill}, source)


def _concat(body: Body, op: Op) -> list[Op] | Value | None:
    output, axis = op.outputs[0], op.attributes["axis"]
    ops: list[Op] = []
    values = list(op.given)
    if axis is None:
        flat = [body.new((value.size,), value.dtype) for value in values]
        ops += [reshape(value, one, op.source) for value, one in zip(values, flat, strict=True)]
        values, axis = flat, 0
    axis %= len(output.shape)
    if len(values) == 1:
        return values[0] if not ops else [reshape(op.given[0], output, op.source)]
    parts, start = [], 0
    for value in values:
        places = tuple((start if place == axis else 0, 1) for place in range(len(output.shape)))
        if value.size:
            parts.append((value, places))
        start += value.shape[axis]
    return [*ops, assemble(parts, None, output, op.source)]


def _pad(body: Body, op: Op) -> list[Op] | None:
    output, value = op.outputs[0], op.given[0]
    padding = [tuple(pair) if isinstance(pair, tuple | list) else (pair, pair) for pair in op.attributes["padding"]]
    places = tuple((before, 1) for before, _ in padding)
    parts = [(value, places)] if value.size else []
    return [assemble(parts, op.attributes["value"], output, op.source)]


def _scatter_slice(body: Body, op: Op) -> list[Op] | Value | None:
    output, value = op.outputs[0], op.given[0]
    starts, stops = op.attributes["starts"], op.attributes["stops"]
    strides = op.attributes["strides"] or (None,) * len(starts)
    places = [
        (slice(start, stop, stride).indices(size)[0], stride or 1)
        for start, stop, stride, size in zip(starts, stops, strides, output.shape, strict=False)
    ]
    places += [(0, 1)] * (len(output.shape) - len(places))
    if value.shape == output.shape and all(place == (0, 1) for place in places):
        return value
    return [assemble([(value, tuple(places))] if value.size else [], 0, output, op.source)]


def _join_scattered(body: Body) -> None:
    """A sum of arrays that are zero but in places of their own is one array put together: what the gradient of
    slicing one array into several gives."""
    changed = True
    while changed:
        changed = False
        makers, uses = body.makers(), body.uses()
        outputs = {value.number for value in body.outputs}
        for place, op in enumerate(body.ops):
            if op.name != "add" or len(op.given) != 2:
                continue
            made = [makers.get(value.number) for value in op.given]
            if any(
                one is None
                or one.name != "assemble"
                or one.attributes["fill"] not in (0, None)
                or len(uses[one.outputs[0].number]) != 1
                or one.outputs[0].number in outputs
                or one.outputs[0].shape != op.outputs[0].shape
                for one in made
            ):
                continue
            parts = [
                (value, places)
                for one in made
                if one is not None
                for value, places in zip(one.given, one.attributes["places"], strict=True)
            ]
            if not _are_disjoint(parts):
                continue
            full = sum(value.size for value, _ in parts) == op.outputs[0].size
            body.ops[place] = assemble(parts, None if full else 0, op.outputs[0], op.source)
            changed = True
        if changed:
            body.drop_unused()


def _are_disjoint(parts: list[tuple[Value, tuple[tuple[int, int], ...]]]) -> bool:
    """Whether no element is written by two parts: for each pair, along some axis, their ranges don't meet."""

    def ends(start: int, stride: int, size: int) -> tuple[int, int]:
        last = start + stride * (size - 1)
        return min(start, last), max(start, last)

    for place, (value, places) in enumerate(parts):
        for other, others in parts[place + 1 :]:
            apart = False
            for size, (start, stride), other_size, (other_start, other_stride) in zip(
                value.shape, places, other.shape, others, strict=True
            ):
                low, high = ends(start, stride, size)
                other_low, other_high = ends(other_start, other_stride, other_size)
                apart = apart or high < other_low or other_high < low
            if not apart:
                return False
    return True


REWRITES: dict[str, Rewrite] = {
    "stop_gradient": _identity,
    "positive": _identity,
    "reshape": _same_shape,
    "broadcast_to": _same_shape,
    "cast": _same_dtype,
    "matmul": _matmul,
    "concat": _concat,
    "pad_constant": _pad,
    "scatter_slice": _scatter_slice,
    **dict.fromkeys(sorted(REDUCTIONS), _reduction),
}
