"""Elements put or added to where indices point: `scatter`, `scatter_nd`, `put_along_axis`, `embedding_gradient`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dovetail_protocols.records import replace

from ...codegen.builder import Builder
from ...codegen.isa import ISA
from ..copies import copy_launches, zero_launches
from ..copies.nests import as_words, cut
from ..kernel import Kernel, Launch, View, traffic
from .convert import HALF, convert_launches
from .indices import Pointed
from .update import ADD, SUBTRACT, TARGET, UPDATE, Axis, Update, merged, write_update

Allocate = Callable[[str, tuple[int, ...]], View]

_PARTS = {"complex64": "float32", "complex128": "float64"}


def scatter_launches(
    isa: ISA, x: View, indices: View, updates: View, target: View, allocate: Allocate, *, mode: str = UPDATE
) -> list[Launch]:
    """`scatter`: x with updates at index vectors. Where `target` is x itself, it is updated in place.

    indices: (p…, depth), updates: (p…, target.shape[depth:]); any strides. An index vector that is out of
    range is left out.
    """

    def write(into: View) -> list[Launch]:
        return _at_vectors(isa, "scatter", indices, updates, into, mode)

    return _grounded(isa, x, target, mode, allocate, write)


def scatter_nd_launches(isa: ISA, indices: View, updates: View, target: View, allocate: Allocate) -> list[Launch]:
    """`scatter_nd`: zeros to which updates are added at index vectors."""

    def write(into: View) -> list[Launch]:
        return _at_vectors(isa, "scatter", indices, updates, into, ADD)

    return _grounded(isa, None, target, ADD, allocate, write)


def embedding_gradient_launches(
    isa: ISA, cotangent: View, indices: View, target: View, allocate: Allocate
) -> list[Launch]:
    """`embedding_gradient`. cotangent: (*indices, *features), target: (size, *features). Sums run in the order of the
    indices; one that is out of range is left out."""
    vectors = replace(indices, shape=(*indices.shape, 1), strides=(*indices.strides, 1))

    def write(into: View) -> list[Launch]:
        return _at_vectors(isa, "embedding gradient", vectors, cotangent, into, ADD)

    return _grounded(isa, None, target, ADD, allocate, write)


def put_along_axis_launches(
    isa: ISA,
    x: View,
    indices: View,
    values: View,
    target: View,
    axis: int,
    allocate: Allocate,
    *,
    mode: str = UPDATE,
) -> list[Launch]:
    """`put_along_axis`: x with values at the indices of each line along an axis. Where `target` is x itself, it is
    updated in place. Indices and values are broadcast along axes of size 1: to x, and the values to the indices."""

    def write(into: View) -> list[Launch]:
        written, given = _parts(into, mode), _parts(values, mode)
        axes = []
        for place, size in enumerate(written.shape):
            free = place != axis
            points = indices.strides[place] if place < len(indices.shape) and indices.shape[place] != 1 else 0
            reads = given.strides[place] if given.shape[place] != 1 else 0
            axes.append(
                Axis(size if free else indices.shape[axis], written.strides[place] if free else 0, points, reads, free)
            )
        pointed = (Pointed(written.shape[axis], written.strides[axis]),)
        return _updating(isa, "put along axis", written, indices, given, axes, pointed, mode)

    return _grounded(isa, x, target, mode, allocate, write)


def _grounded(
    isa: ISA, x: View | None, target: View, mode: str, allocate: Allocate, write: Callable[[View], list[Launch]]
) -> list[Launch]:
    """What is there before (None: zeros), and then the updates; sums in half precision are kept in single."""
    if target.dtype in HALF and mode in (ADD, SUBTRACT):
        sums = allocate("float32", target.shape)
        ground = zero_launches(isa, sums) if x is None else convert_launches(isa, x, sums)
        return [*ground, *write(sums), *convert_launches(isa, sums, target)]
    if x is None:
        return [*zero_launches(isa, target), *write(target)]
    return [*([] if x == target else copy_launches(isa, x, target)), *write(target)]


def _at_vectors(isa: ISA, what: str, indices: View, updates: View, target: View, mode: str) -> list[Launch]:
    """The launch that makes updates at index vectors."""
    written, given = _parts(target, mode), _parts(updates, mode)
    *positions, depth = indices.shape
    count = len(positions)
    axes = [
        Axis(size, 0, points, reads, free=False)
        for size, points, reads in zip(positions, indices.strides[:-1], given.strides[:count], strict=True)
    ]
    axes += [
        Axis(size, writes, 0, reads, free=True)
        for size, writes, reads in zip(
            written.shape[depth:], written.strides[depth:], given.strides[count:], strict=True
        )
    ]
    pointed = tuple(Pointed(written.shape[k], written.strides[k], k * indices.strides[-1]) for k in range(depth))
    return _updating(isa, what, written, indices, given, axes, pointed, mode)


def _updating(
    isa: ISA,
    what: str,
    target: View,
    indices: View,
    updates: View,
    axes: Sequence[Axis],
    pointed: tuple[Pointed, ...],
    mode: str,
) -> list[Launch]:
    if 0 in (*(axis.size for axis in axes), *(axis.size for axis in pointed)):
        return []
    moved = 3 * traffic(updates) + traffic(indices)
    b = Builder(isa)
    update = Update(merged(axes), pointed, mode, target.dtype, updates.dtype, indices.dtype)
    tasks = write_update(b, update, cut(moved, 1 << 30))
    label = f"{what} ({mode}), {'×'.join(map(str, updates.shape))} into {'×'.join(map(str, target.shape))}"
    return [Launch(Kernel(b.text(), label), (target, indices, updates), (TARGET,), tasks=tasks, bytes=moved)]


def _parts(view: View, mode: str) -> View:
    """A view as it is moved, or computed with: complex numbers as pairs of real ones."""
    if mode == UPDATE:
        return as_words(view)
    if view.dtype not in _PARTS:
        return view
    doubled = (*(2 * stride for stride in view.strides), 1)
    return View(view.buffer, _PARTS[view.dtype], (*view.shape, 2), doubled, 2 * view.offset)
