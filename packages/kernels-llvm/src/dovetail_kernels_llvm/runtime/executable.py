"""A schedule, ready to be called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from . import threads
from .blocks import BLOCKS, RECYCLED_BYTES, aligned
from .checking import checked_inputs, numpy_dtype
from .driver import driver
from .engine import compile_kernels
from .object_layout import ALIGNED, C_CONTIGUOUS, WRITEABLE, dtype_word
from .program import Program, assemble
from .schedule import Schedule, launches_of
from .structures import Context, InputEntry, OutputEntry
from .work import CALL_SECONDS, LOCKED_SECONDS

Array = np.ndarray[Any, Any]


class Executable:
    """Runs a schedule: a function of NumPy arrays that gives a tuple of NumPy arrays.

    Inputs are of the schedule's dtypes and shapes; those that are not C-contiguous or aligned are copied. A donated input
    is overwritten, and is the output; where it can't be written, a copy of it is. Outputs are fresh arrays otherwise.
    Safe in several threads at once, if no donated array is given twice. Results don't depend on the number of threads.
    """

    __slots__ = ("_alive", "_contexts", "_donated", "_makers", "_program", "_quick", "_root", "schedule")

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        addresses, self._alive = compile_kernels([launch.kernel.text for launch in launches_of(schedule.steps)])
        self._program: Program = assemble(schedule, addresses)
        self._donated = frozenset(schedule.in_place.values())
        self._makers = tuple(_maker(dtype, shape) for dtype, shape in schedule.outputs)
        self._contexts: list[_Memory] = []
        self._root = np.zeros(1, np.int64)
        self._quick: Callable[..., Any] = _nothing_yet

    def __call__(self, *inputs: Array) -> tuple[Array, ...]:
        """The outputs.

        Raises: SignatureError for another number of inputs, DTypeError and ShapeError for what doesn't fit: before
        anything is written.
        """
        outputs: tuple[Array, ...] | None = self._quick(*inputs)
        return self._long_way(inputs) if outputs is None else outputs

    def _long_way(self, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        """Checks and converts inputs, and makes what is missing: a context, the workers."""
        arrays = checked_inputs(inputs, self.schedule.inputs, self._donated)
        outputs: tuple[Array, ...] | None = None
        while outputs is None:
            if not threads.CELL[0]:
                threads.start()
            outputs = self._quick(*arrays)
            if outputs is None:
                self._add_context()
        return outputs

    def _add_context(self) -> None:
        """One more context, for a call that found all of them in use. Two threads may do this at once: then one context
        may not get into the chain, which costs only memory."""
        memory = _Memory(self)
        self._contexts.append(memory)
        memory.words[Context.NEXT] = self._root[0]
        self._root[0] = memory.address
        if self._quick is _nothing_yet:
            self._quick = driver().quick_call(self._root)


def _nothing_yet(*_inputs: Array) -> None:
    """Stands for the quick way until there is a context."""


def _maker(dtype: str, shape: tuple[int, ...]) -> Callable[[], Array]:
    """What makes a new array for an output."""
    kind = numpy_dtype(dtype)
    large = prod(shape) * kind.itemsize >= RECYCLED_BYTES
    return partial(BLOCKS.array if large else np.empty, shape, kind)


class _Memory:
    """The memory of one context."""

    __slots__ = ("_arena", "_scratch", "address", "words")

    def __init__(self, executable: Executable) -> None:
        program, schedule = executable._program, executable.schedule
        self.words = aligned(8 * len(program.words)).view(np.int64)
        self.words[:] = program.words
        self.address = int(self.words.ctypes.data)
        self._arena = aligned(schedule.arena_bytes, 4096)
        self.words[program.own] += self.address
        self.words[program.arena] += self._arena.ctypes.data
        self._write_header(program)
        self._write_tables(executable)

    def _write_header(self, program: Program) -> None:
        words = self.words
        slots = threads.scratch_slots() if program.work.shared >= CALL_SECONDS else 1
        stride = -(-program.scratch_bytes // 128) * 128
        self._scratch = aligned(slots * stride, 128)
        words[Context.HOST] = driver().host
        words[Context.POOL] = threads.CELL.ctypes.data
        words[Context.PARALLEL] = program.work.shared >= CALL_SECONDS
        words[Context.SLOTS] = slots
        words[Context.SCRATCH], words[Context.STRIDE] = self._scratch.ctypes.data, stride
        words[Context.RELEASE] = program.work.total >= LOCKED_SECONDS

    def _write_tables(self, executable: Executable) -> None:
        schedule = executable.schedule
        place = self._place(Context.INPUTS)
        for number, (dtype, _) in enumerate(schedule.inputs):
            entry = self.words[place + number * InputEntry.SIZE :]
            entry[InputEntry.DTYPE] = dtype_word(numpy_dtype(dtype))
            writes = WRITEABLE if number in executable._donated else 0
            entry[InputEntry.FLAGS] = C_CONTIGUOUS | ALIGNED | writes
        place = self._place(Context.OUTPUTS)
        for number, maker in enumerate(executable._makers):
            self.words[place + number * OutputEntry.SIZE + OutputEntry.MAKER] = id(maker)

    def _place(self, table: int) -> int:
        return int(self.words[table] - self.address) // 8
