"""Small kernels, and schedules of them, for tests of the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_kernels_llvm.codegen.builder import Builder
from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.kernel import Kernel, Launch, View, c_strides
from dovetail_kernels_llvm.runtime.executable import Executable
from dovetail_kernels_llvm.runtime.schedule import Location, Schedule, Step

WORK = 1e6
"""Floating-point operations that a launch says it has, so that several threads are worth it."""


class Small:
    """Launches of small kernels on int64, and what runs them. Views are contiguous, from the start of a buffer."""

    def view(self, buffer: int, *shape: int, dtype: str = "int64", offset: int = 0) -> View:
        return View(buffer, dtype, shape, c_strides(shape), offset)

    def add(self, a: Any, b: Any, result: Any, count: int, tasks: int = 1, flops: float = 0.0) -> Launch:
        """result = a + b, of `count` elements a task; a buffer's number stands for the whole buffer."""
        arguments = tuple(self.view(one, count * tasks) if isinstance(one, int) else one for one in (a, b, result))
        return Launch(_add(), (*arguments, count), (2,), tasks, flops)

    def fill(self, result: Any, number: Any) -> Launch:
        """result[0] = number, a word."""
        target = self.view(result, 1) if isinstance(result, int) else result
        return Launch(_fill(), (target, number), (0,))

    def less(self, a: int, b: int, result: int) -> Launch:
        """result (bool) = a < b, of one element."""
        views = self.view(a, 1), self.view(b, 1), self.view(result, 1, dtype="bool")
        return Launch(_less(), views, (2,))

    def spin(self, result: int, count: int, tasks: int, rounds: int, flops: float = WORK) -> Launch:
        """result = the sum of 0, …, rounds - 1, for each of `count` elements a task, by way of scratch memory."""
        return Launch(_spin(), (self.view(result, count * tasks), count, rounds), (0,), tasks, flops)

    def executable(
        self,
        steps: tuple[Step, ...],
        locations: Mapping[int, Location],
        inputs: tuple[tuple[int, ...], ...],
        outputs: tuple[tuple[int, ...], ...],
        **options: Any,
    ) -> Executable:
        """Of int64 arrays of these shapes."""
        settings = {"arena_bytes": 1 << 16, "in_place": {}, "passed_through": {}} | options
        given, made = (tuple(("int64", shape) for shape in shapes) for shapes in (inputs, outputs))
        return Executable(Schedule(steps, locations, inputs=given, outputs=made, **settings))


def _add() -> Kernel:
    b = Builder(isa())
    x, y, result, count = b.pointer(0), b.pointer(1), b.pointer(2), b.integer(3)
    start = b.mul(b.task, count)
    with b.loop(start, b.add(start, count)) as index:
        total = b.add(b.load("i64", b.offset(x, index, "i64")), b.load("i64", b.offset(y, index, "i64")))
        b.store(total, b.offset(result, index, "i64"))
    return Kernel(b.text(), "add")


def _fill() -> Kernel:
    b = Builder(isa())
    b.store(b.integer(1), b.pointer(0))
    return Kernel(b.text(), "fill")


def _less() -> Kernel:
    b = Builder(isa())
    holds = b.compare("slt", b.load("i64", b.pointer(0)), b.load("i64", b.pointer(1)))
    b.store(b.convert("zext", holds, "i8"), b.pointer(2))
    return Kernel(b.text(), "less")


def _spin() -> Kernel:
    b = Builder(isa())
    result, count, rounds = b.pointer(0), b.integer(1), b.integer(2)
    start = b.mul(b.task, count)
    with b.loop(0, count) as index:
        own = b.offset(b.scratch, index, "i64")
        b.store(b.index(0), own)
        with b.loop(0, rounds) as number:
            # Volatile, so that LLVM doesn't find the closed form.
            total = b.add(b.instruction(f"load volatile i64, {own}", "i64"), number)
            b.statement(f"store volatile {total}, {own}")
        b.store(b.load("i64", own), b.offset(result, b.add(start, index), "i64"))
    return Kernel(b.text(), "spin", scratch_bytes=4096)
