"""Runs of elements along one axis: copied, repeated, reversed, gathered from a distance.

A run that is shorter than a vector is written as two shorter vectors that overlap, not under a mask: the same code for
each instruction set, and no element is ever touched outside of the run.
"""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import vector

UNROLLED_VECTORS = 4
UNROLLED_WORDS = 8
"""Words that lie apart are moved so many in a turn of a loop."""

Emit = Callable[[Value, int], None]
"""Writes the code for so many elements from an index on."""


@record
class Word:
    """Something of 1, 2, 4 or 8 bytes that is moved at once, at addresses that are multiples of `align`."""

    size: int
    align: int

    @property
    def type(self) -> str:
        return f"i{8 * self.size}"


def in_vectors(b: Builder, count: int | Value, lanes: int, emit: Emit, *, twice: bool = True) -> None:
    """Writes code for all elements of a run, `lanes` (a power of two) at a time, or fewer at its end.

    `twice`: what is done to an element may be done again, so that the last vector may begin among those before it.
    """
    if isinstance(count, Value):
        whole = b.operate("and", count, b.index(-lanes))
        with b.loop(0, whole, lanes) as place:
            emit(place, lanes)
        with b.loop(whole, count) as place:
            emit(place, 1)
        return
    while lanes > max(count, 1):
        lanes //= 2
    done = 0
    if count > 2 * UNROLLED_VECTORS * lanes:
        done = count - count % (UNROLLED_VECTORS * lanes)
        with b.loop(0, done, UNROLLED_VECTORS * lanes) as place:
            for vector_number in range(UNROLLED_VECTORS):
                emit(b.add(place, b.index(vector_number * lanes)), lanes)
    while done + lanes <= count:
        emit(b.index(done), lanes)
        done += lanes
    if twice and done < count:
        emit(b.index(count - lanes), lanes)
        return
    while done < count:
        lanes //= 2
        if done + lanes <= count:
            emit(b.index(done), lanes)
            done += lanes


def copy_run(b: Builder, source: Value, target: Value, count: int | Value, word: Word) -> None:
    """Copies `count` words that lie side by side, here and there."""
    length = b.index(count * word.size) if isinstance(count, int) else b.mul(count, b.index(word.size))
    b.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    b.statement(
        f"call void @llvm.memcpy.p0.p0.i64(ptr align {word.align} {target.text}, "
        f"ptr align {word.align} {source.text}, {length}, i1 false)"
    )


def fill_run(b: Builder, target: Value, value: Value, count: int | Value, word: Word) -> None:
    """Puts one value into `count` words that lie side by side."""

    def emit(index: Value, lanes: int) -> None:
        b.store(b.splat(value, lanes), b.offset(target, index, word.type), align=word.align)

    in_vectors(b, count, b.isa.lanes(word.size), emit)


def reverse_run(b: Builder, source: Value, target: Value, count: int | Value, word: Word) -> None:
    """Copies words that lie side by side backwards: `source` is the address of the last, which becomes the first."""

    def emit(index: Value, lanes: int) -> None:
        lowest = b.offset(source, b.sub(b.index(1 - lanes), index), word.type)
        loaded = b.load(vector(word.type, lanes), lowest, align=word.align)
        turned = b.shuffle(loaded, loaded, range(lanes - 1, -1, -1)) if lanes > 1 else loaded
        b.store(turned, b.offset(target, index, word.type), align=word.align)

    in_vectors(b, count, b.isa.lanes(word.size), emit)


def strided_run(
    b: Builder, source: Value, target: Value, count: int | Value, steps: tuple[int, int], word: Word
) -> None:
    """Copies words at any distance from each other: `steps` are those of source and target, in words."""

    def emit(index: Value, lanes: int) -> None:
        read = b.offset(source, b.mul(index, b.index(steps[0])), word.type)
        write = b.offset(target, b.mul(index, b.index(steps[1])), word.type)
        loaded = [
            b.load(word.type, b.offset(read, lane * steps[0], word.type), align=word.align) for lane in range(lanes)
        ]
        for lane, value in enumerate(loaded):
            b.store(value, b.offset(write, lane * steps[1], word.type), align=word.align)

    in_vectors(b, count, UNROLLED_WORDS, emit)


def move_run(b: Builder, source: Value, target: Value, count: int | Value, steps: tuple[int, int], word: Word) -> None:
    """Copies `count` words, by the best of these for their distances in source and target."""
    if steps == (1, 1):
        copy_run(b, source, target, count, word)
    elif steps == (0, 1):
        fill_run(b, target, b.load(word.type, source, align=word.align), count, word)
    elif steps == (-1, 1):
        reverse_run(b, source, target, count, word)
    else:
        strided_run(b, source, target, count, steps, word)
