"""A schedule, ready to be called."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from dovetail_protocols.compilers import KernelReport

from ..kernels.kernel import Launch
from . import profiling, threads
from .blocks import BLOCKS, RECYCLED_BYTES, aligned
from .checking import checked_inputs, numpy_dtype
from .driver import driver
from .engine import compile_kernels
from .object_layout import ALIGNED, C_CONTIGUOUS, WRITEABLE, dtype_word
from .plain_call import PlainCall
from .program import Program, assemble
from .schedule import Schedule, launches_of
from .structures import Context, InputEntry, OutputEntry
from .verification import verify
from .work import CALL_SECONDS, LOCKED_SECONDS

Array = np.ndarray[Any, Any]
Outputs = tuple[Array, ...]

_numbers = itertools.count(1)

CALLS_AT_ONCE = 4096
"""How many threads may call an executable at once: each call that finds all contexts in use adds one."""


class Executable:
    """Runs a schedule: a function of NumPy arrays that gives a tuple of NumPy arrays.

    Inputs are of the schedule's dtypes and shapes; those that are not C-contiguous or aligned are copied. A donated
    input is overwritten, and is the output; where it can't be written, a copy of it is. Other outputs are fresh arrays.
    Safe in several threads at once, if no donated array is given twice. Results don't depend on the number of threads.

    Raises: ValueError for a schedule that would read or write outside of its buffers.
    """

    def __init__(self, schedule: Schedule) -> None:
        verify(schedule)
        self.schedule = schedule
        self.number = next(_numbers)
        """By which profiles know it."""
        addresses, self._code = compile_kernels([launch.kernel.text for launch in launches_of(schedule.steps)])
        self._program: Program = assemble(schedule, addresses, self.number)
        self._donated = frozenset(schedule.in_place.values())
        self._makers = tuple(_maker(dtype, shape) for dtype, shape in schedule.outputs)
        self._contexts: list[ContextMemory] = []
        self._first = np.zeros(1, np.int64)
        """The address of the first context."""
        self._quick: Callable[..., Outputs | None] = _not_yet
        """The outputs of inputs that fit, or None."""
        self._run: Callable[..., Outputs | None] = _not_yet
        """The same, of inputs that were checked."""
        profiling.watch(self)

    def __call__(self, *inputs: Any) -> Outputs:
        """The outputs.

        Raises: SignatureError for another number of inputs, DTypeError and ShapeError for what doesn't fit: before
        anything is written.
        """
        outputs = self._quick(*inputs)
        return self._long_way(inputs) if outputs is None else outputs

    @property
    def launches(self) -> tuple[Launch, ...]:
        """What it runs, in the order in which profiles count."""
        return self._program.launches

    def kernel_report(self) -> list[KernelReport]:
        """What its kernels compute, and the time predicted for each. Measures the machine the first time."""
        from .limits import reports

        return reports(self.schedule)

    def record_to(self, address: int) -> None:
        """Makes calls write their events into a buffer (profiling.py), or nowhere (0)."""
        for context in self._contexts:
            context.words[Context.PROFILE] = address

    def _long_way(self, inputs: tuple[Array, ...]) -> Outputs:
        """Checks and converts inputs, and makes what is missing: the workers, a context."""
        arrays = checked_inputs(inputs, self.schedule.inputs, self._donated)
        for _ in range(CALLS_AT_ONCE):
            outputs = self._run(*arrays)
            if outputs is not None:
                return outputs
            if self._program.work.shared:
                threads.start()
            self._add_context()
        raise RuntimeError(f"checked inputs are refused: {', '.join(f'{one.dtype!r}{one.shape}' for one in arrays)}")

    def _add_context(self) -> None:
        """One more context, for a call that found all of them in use. Two threads may do this at once: then one context
        may not get into the chain, which costs only memory."""
        context = ContextMemory(self._program, self.schedule, self._makers)
        self._contexts.append(context)
        context.words[Context.NEXT] = self._first[0]
        self._first[0] = context.address
        if self._run is _not_yet:
            self._begin()

    def _begin(self) -> None:
        if driver().has_quick_call:
            self._quick = self._run = driver().quick_call(self._first)
        else:
            self._run = PlainCall(self._contexts)


def _not_yet(*_inputs: Array) -> None:
    """Stands for what runs the program until there is a context."""


def _maker(dtype: str, shape: tuple[int, ...]) -> Callable[[], Array]:
    """What makes a new array for an output."""
    kind = numpy_dtype(dtype)
    large = prod(shape) * kind.itemsize >= RECYCLED_BYTES
    return partial(BLOCKS.array if large else np.empty, shape, kind)


class ContextMemory:
    """The memory of one context: a copy of the program, its arena, and scratch memory for each thread."""

    def __init__(self, program: Program, schedule: Schedule, makers: tuple[Callable[[], Array], ...]) -> None:
        self.makers = makers
        self.lock = threading.Lock()
        self.words = aligned(8 * len(program.words)).view(np.int64)
        self.words[:] = program.words
        self.address = int(self.words.ctypes.data)
        self._arena = aligned(schedule.arena_bytes, 4096)
        self.words[program.own] += self.address
        self.words[program.arena] += self._arena.ctypes.data
        self._write_header(program)
        self._write_tables(schedule)

    def _write_header(self, program: Program) -> None:
        words = self.words
        parallel = int(program.work.shared > 0)
        if 0 < program.work.shared < CALL_SECONDS:
            parallel = Context.IF_AWAKE
        slots = threads.scratch_slots() if parallel else 1
        stride = -(-program.scratch_bytes // 128) * 128
        self._scratch = aligned(slots * stride, 128)
        words[Context.HOST] = driver().host
        words[Context.POOL] = threads.CELL.ctypes.data
        words[Context.PARALLEL] = parallel
        words[Context.SLOTS] = slots
        words[Context.SCRATCH], words[Context.STRIDE] = self._scratch.ctypes.data, stride
        words[Context.RELEASE] = program.work.total >= LOCKED_SECONDS
        words[Context.PROFILE] = profiling.buffer_address()

    def _write_tables(self, schedule: Schedule) -> None:
        donated = schedule.in_place.values()
        for place, (dtype, _) in enumerate(schedule.inputs):
            entry = self.entry(Context.INPUTS, place, InputEntry.SIZE)
            entry[InputEntry.DTYPE] = dtype_word(numpy_dtype(dtype))
            entry[InputEntry.FLAGS] = C_CONTIGUOUS | ALIGNED | (WRITEABLE if place in donated else 0)
        for place, maker in enumerate(self.makers):
            self.entry(Context.OUTPUTS, place, OutputEntry.SIZE)[OutputEntry.MAKER] = id(maker)

    def entry(self, table: int, place: int, size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The words of a row of a table (Context.INPUTS, Context.OUTPUTS)."""
        first = self.place(int(self.words[table])) + place * size
        return self.words[first : first + size]

    def place(self, address: int) -> int:
        """Which word lies at an address."""
        return (address - self.address) // 8
