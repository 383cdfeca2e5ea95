"""vmap: a function of one example, applied to a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import ShapeError, SignatureError

from .batcher import Batcher
from .structure import broadcast_prefix, flatten, leaf_paths, unflatten

Axes = Any
"""An axis, None for what is the same in every example, or a container of these around parts of the arguments."""


def vmap(function: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Any]:
    """A function that applies `function`, written for one example, to a batch of them, in one go.

    `in_axes`: which axis of the arguments is the batch: an int for all, or a tuple with one entry for each positional
    argument: an int, None (the argument is the same for every example), or a container of these in the structure of
    the argument. `out_axes`: where the batch stands in the results, likewise; None for a result that doesn't depend on
    the example. Keyword arguments are the same for every example. Composes with the derivatives, in any order.

    Operations run through their batching rule or their decomposition; a primitive without a rule runs once for each
    example (docs/operations/coverage.md says which). Random numbers drawn inside are the same for every example, unless
    the state that they are drawn from is batched.

    Raises: ShapeError where sizes of the batch axes differ or an axis doesn't exist, StructureError where axes don't
    fit the structure, SignatureError where nothing is batched.
    """

    @wraps(function, updated=())
    def batched(*args: Any, **keywords: Any) -> Any:
        leaves, structure = flatten(args)
        axes = broadcast_prefix(_per_argument(in_axes, len(args)), structure, what="in_axes of vmap")
        fronted = _fronted(leaves, axes, args)
        batcher = Batcher(_common_size(fronted, args), current())
        entered = [leaf if front is None else batcher.wrap(front) for leaf, front in zip(leaves, fronted, strict=True)]
        try:
            with interpreting(batcher):
                result = function(*unflatten(structure, entered), **keywords)
                outputs, out_structure = flatten(result)
                outputs = [provider().convert(output) for output in outputs]
            places = broadcast_prefix(out_axes, out_structure, what="out_axes of vmap")
            return unflatten(
                out_structure, [_leave(batcher, output, axis) for output, axis in zip(outputs, places, strict=True)]
            )
        finally:
            batcher.is_open = False

    return batched


def _per_argument(in_axes: Axes, count: int) -> Any:
    if isinstance(in_axes, int) or in_axes is None:
        return (in_axes,) * count
    if not isinstance(in_axes, (tuple, list)) or len(in_axes) != count:
        raise SignatureError(
            "vmap: in_axes doesn't fit the call",
            expected=f"an int, or a tuple of {count}: one entry for each positional argument",
            got=f"in_axes={in_axes!r}",
        )
    return tuple(in_axes)


def _fronted(leaves: Sequence[Any], axes: Sequence[int | None], args: Any) -> list[Any]:
    """Arrays with their batch axis first, None for what isn't batched."""
    fronted: list[Any] = []
    for leaf, axis in zip(leaves, axes, strict=True):
        try:
            fronted.append(None if axis is None else _to_front(provider().convert(leaf), axis))
        except ShapeError as error:
            error.where = f"argument {leaf_paths(args)[len(fronted)]}, in_axes of vmap"
            raise
    return fronted


def _to_front(array: Any, axis: int) -> Any:
    ndim = len(array.shape)
    if not isinstance(axis, int) or not -ndim <= axis < ndim:
        raise ShapeError(
            "vmap: there is no such axis to batch over",
            expected=f"from {-ndim} to {ndim - 1}" if ndim else "None: the array is 0-d",
            got=f"axis {axis} of shape {array.shape}",
        )
    return array if axis % ndim == 0 else ops.moveaxis(array, source=axis, destination=0)


def _common_size(fronted: Sequence[Any], args: Any) -> int:
    sizes: list[int] = [array.shape[0] for array in fronted if array is not None]
    if not sizes:
        raise SignatureError(
            "vmap: no argument is batched", expected="an axis for at least one array", got="None everywhere"
        )
    if any(size != sizes[0] for size in sizes):
        batched = [path for path, array in zip(leaf_paths(args), fronted, strict=True) if array is not None]
        raise ShapeError(
            "vmap: the sizes of the batch axes differ",
            where=", ".join(f"argument {path}: {size}" for path, size in zip(batched, sizes, strict=True)),
            expected=f"{sizes[0]} everywhere, as in argument {batched[0]}",
            got=", ".join(map(str, sizes)),
            fix="check in_axes; an argument that every example shares takes None",
        )
    return sizes[0]


def _leave(batcher: Batcher, output: Any, axis: int | None) -> Any:
    """A result with the batch where `out_axes` wants it."""
    array, is_batched = batcher.unwrap(output)
    if axis is None:
        if is_batched:
            raise ShapeError(
                "vmap: a result with out_axes None depends on the example",
                expected="a result that is the same for all examples",
                got=f"{output.meta} for each of {batcher.size} examples",
                fix="give its place in out_axes",
            )
        return array
    if not is_batched:
        array = ops.broadcast_to(ops.expand_dims(array, axis=0), shape=(batcher.size, *array.shape))
    ndim = len(array.shape)
    if not -ndim <= axis < ndim:
        raise ShapeError(
            "vmap: a result has no such axis", where="out_axes", expected=f"from {-ndim} to {ndim - 1}", got=axis
        )
    return array if axis % ndim == 0 else ops.moveaxis(array, source=0, destination=axis)
