"""Parts of an array that begin where other arrays say: `dynamic_slice`, `dynamic_update_slice`.

A negative start counts from the end; then each is moved, if need be, so that the part lies inside the array.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.builder import Builder
from ...codegen.isa import ISA
from ...codegen.types import STORED, size_bytes
from ..copies import copy_launches
from ..copies.copy import SOURCE, TARGET, Copy, arranged, write_copy
from ..copies.nests import as_words, cut
from ..kernel import Kernel, Launch, View, traffic
from .indices import nearest, read_index

STARTS = 2
"""The argument that is the first start; the others follow."""


def dynamic_slice_launches(isa: ISA, source: View, starts: Sequence[View], target: View) -> list[Launch]:
    """`dynamic_slice`: the part of the source that has the target's shape. starts: a 0-d view for each axis."""
    part = View(source.buffer, source.dtype, target.shape, source.strides, source.offset)
    return _moving(isa, "dynamic slice", part, target, starts, source, reading=True)


def dynamic_update_slice_launches(
    isa: ISA, x: View, update: View, starts: Sequence[View], target: View
) -> list[Launch]:
    """`dynamic_update_slice`: x with the update in place of the part that begins at the starts. Where `target` is x
    itself, it is updated in place."""
    part = View(target.buffer, target.dtype, update.shape, target.strides, target.offset)
    before = [] if x == target else copy_launches(isa, x, target)
    return [*before, *_moving(isa, "dynamic update", update, part, starts, target, reading=False)]


def _moving(
    isa: ISA, what: str, source: View, target: View, starts: Sequence[View], whole: View, *, reading: bool
) -> list[Launch]:
    """A copy of which one side, a part of `whole`, begins at the starts."""
    if target.size == 0:
        return []
    moved = traffic(as_words(source), as_words(target))
    read, written, nest, word = arranged(as_words(source), as_words(target))
    copy = Copy(nest, word, cut(moved, max(1, nest.size * word.size >> 12)))
    b = Builder(isa)
    place = b.index(0)
    for number, start in enumerate(starts):
        size, length, stride = whole.shape[number], target.shape[number], as_words(whole).strides[number]
        if size == length:
            continue  # there is only one place for it
        index = read_index(b, b.pointer(STARTS + number), start.dtype, size)
        place = b.add(place, b.mul(nearest(b, index, size - length + 1), b.index(stride)))
    element = STORED[as_words(whole).dtype]
    here = b.offset(b.pointer(SOURCE), place if reading else 0, element)
    there = b.offset(b.pointer(TARGET), 0 if reading else place, element)
    tasks = write_copy(b, here, there, copy)
    label = f"{what} {'×'.join(map(str, target.shape))} of {size_bytes(read.dtype)} bytes"
    return [Launch(Kernel(b.text(), label), (read, written, *starts), (TARGET,), tasks=tasks, bytes=moved)]
