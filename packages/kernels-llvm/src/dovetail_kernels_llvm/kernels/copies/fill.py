"""One value in every element."""

from __future__ import annotations

import numpy as np

from dovetail_protocols.records import replace

from ...codegen.builder import Builder
from ...codegen.isa import ISA
from ..kernel import Kernel, Launch, View, traffic
from .copy import arranged
from .nests import as_words, cut, displacement, part, spread, task_count
from .runs import Word, fill_run

TARGET, VALUE = 0, 1


def fill_launches(isa: ISA, target: View, value: complex) -> list[Launch]:
    """Puts a number into every element of a view, as NumPy would convert it to the dtype.

    target: any strides. The number is an argument: kernels for equal shapes are one.
    """
    words = as_words(target)
    bits = _bits(target.dtype, value)
    if len(bits) == 1 or bits[0] == bits[1]:
        return _filling(isa, words, bits[0])
    halves = (
        replace(words, shape=words.shape[:-1], strides=words.strides[:-1], offset=words.offset + half)
        for half in range(2)
    )
    return [launch for half, word in zip(halves, bits, strict=True) for launch in _filling(isa, half, word)]


def zero_launches(isa: ISA, target: View) -> list[Launch]:
    """Zeros in every element of a view: the ground on which a slice or updates are then put."""
    return fill_launches(isa, target, 0)


def _filling(isa: ISA, target: View, bits: int) -> list[Launch]:
    if target.size == 0:
        return []
    _, written, nest, word = arranged(replace(target, strides=(0,) * len(target.shape)), target)
    b = Builder(isa)
    tasks = _write(b, nest.shape, nest.strides[1], word, cut(2 * traffic(target), max(1, target.size >> 8)))
    what = f"fill {'×'.join(map(str, target.shape))} of {word.size} bytes"
    return [Launch(Kernel(b.text(), what), (written, bits), (TARGET,), tasks=tasks, bytes=traffic(target))]


def _write(b: Builder, shape: tuple[int, ...], steps: tuple[int, ...], word: Word, wanted: int) -> int:
    """Writes the kernel; gives the number of tasks."""
    target = b.pointer(TARGET)
    value = b.convert("trunc", b.integer(VALUE), word.type)
    if not shape:
        b.store(value, target)
        return 1
    if len(shape) == 1 and steps == (1,):
        length, tasks = part(shape[0], wanted, multiple=64)
        if tasks == 1:
            fill_run(b, target, value, shape[0], word)
            return 1
        start = b.mul(b.task, b.index(length))
        here = b.minimum(b.sub(b.index(shape[0]), start), length)
        fill_run(b, b.offset(target, start, word.type), value, here, word)
        return tasks
    with spread(b, shape[:-1], wanted) as indices:
        line = b.offset(target, displacement(b, indices, steps[:-1]), word.type)
        if steps[-1] == 1:
            fill_run(b, line, value, shape[-1], word)
        else:
            with b.loop(0, shape[-1]) as index:
                b.store(value, b.offset(line, b.mul(index, b.index(steps[-1])), word.type))
    return task_count(shape[:-1], wanted)


def _bits(dtype: str, value: complex) -> tuple[int, ...]:
    """A number in a dtype as words of at most eight bytes."""
    with np.errstate(all="ignore"):
        if dtype == "bfloat16":
            bits = int(np.asarray(value).astype(np.float32).view(np.uint32))
            if value != value:
                return ((bits | 0x400000) >> 16,)
            return (bits + 0x7FFF + (bits >> 16 & 1) >> 16 & 0xFFFF,)
        number = np.asarray(value).astype(dtype)
    pattern = number.tobytes()
    words = [int.from_bytes(pattern[start : start + 8], "little") for start in range(0, len(pattern), 8)]
    return tuple(word - (word >> 63 << 64) for word in words)  # as signed: so they are passed
