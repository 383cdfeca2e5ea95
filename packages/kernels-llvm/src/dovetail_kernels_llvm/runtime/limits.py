"""What the machine can do at most, measured once in a process, and what kernels are predicted to take by it."""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from dovetail_protocols.compilers import KernelReport
from dovetail_protocols.records import record

from ..codegen.builder import Builder
from ..codegen.isa import isa
from ..codegen.types import vector
from ..kernels.kernel import Kernel, Launch, View
from .schedule import Input, Output, Repeat, Schedule, Stage, Step, launches_of
from .threads import thread_count

CHAINS = 12
ROUNDS = 20_000
ELEMENTS = 1 << 22
REPETITIONS = 5


@record
class Limits:
    """Arithmetic (a multiply-add as two) and memory traffic a second, of one thread while all are busy."""

    flops_per_second: float
    bytes_per_second: float


@cache
def limits() -> Limits:
    """The machine's limits, by multiply-adds in registers and by copying more than the caches hold: some 50 ms."""
    threads = thread_count()
    flops = 2.0 * isa().lanes(4) * CHAINS * ROUNDS
    size_bytes = 2.0 * 4 * ELEMENTS
    return Limits(
        flops / _best(_schedule(_multiply_adds(), threads, 64)),
        size_bytes / _best(_schedule(_copy(), threads, ELEMENTS * threads)),
    )


def reports(schedule: Schedule) -> list[KernelReport]:
    """What each kernel of a schedule computes, and the time predicted for it."""
    threads, known = thread_count(), limits()
    found = []
    for launch, runs in _counted(schedule.steps, 1):
        busy = max(1, min(threads, launch.tasks))
        seconds = max(launch.flops / known.flops_per_second, launch.bytes / known.bytes_per_second) / busy
        found.append(KernelReport(launch.kernel.what, launch.tasks, runs, launch.flops, launch.bytes, seconds))
    return found


def _counted(steps: tuple[Step, ...], times: int) -> list[tuple[Launch, int]]:
    """Launches, and how often each runs; one round of loops without a known number, and either branch."""
    found: list[tuple[Launch, int]] = []
    for step in steps:
        if isinstance(step, Stage):
            found += [(launch, times) for launch in step.launches]
        elif isinstance(step, Repeat):
            found += _counted(step.body, times * step.count)
        else:
            found += [(launch, times) for launch in launches_of((step,))]
    return found


def _multiply_adds() -> Kernel:
    b = Builder(isa())
    type_ = vector("float", isa().lanes(4))
    factor = b.load(type_, b.pointer(0))
    chains = [b.variable(b.constant(type_, number)) for number in range(CHAINS)]
    with b.loop(0, ROUNDS):
        for chain in chains:
            chain.set(b.fma(chain.get(), factor, factor))
    total = chains[0].get()
    for chain in chains[1:]:
        total = b.add(total, chain.get())
    target = b.offset(b.pointer(1), b.mul(b.task, b.index(isa().lanes(4))), "float")
    b.store(total, target)
    return Kernel(b.text(), "multiply-adds")


def _copy() -> Kernel:
    b = Builder(isa())
    lanes = isa().lanes(4)
    type_ = vector("float", lanes)
    start = b.mul(b.task, b.index(ELEMENTS))
    source, target = b.offset(b.pointer(0), start, "float"), b.offset(b.pointer(1), start, "float")
    with b.loop(0, ELEMENTS, lanes) as place:
        b.store(b.load(type_, b.offset(source, place, "float")), b.offset(target, place, "float"))
    return Kernel(b.text(), "copy")


def _schedule(kernel: Kernel, tasks: int, elements: int) -> Schedule:
    size = max(elements, tasks * isa().lanes(4))
    source, target = View(0, "float32", (size,), (1,)), View(1, "float32", (size,), (1,))
    launch = Launch(kernel, (source, target), (1,), tasks, flops=1e9, bytes=1e9)
    signature = (("float32", (size,)),)
    return Schedule((Stage((launch,)),), {0: Input(0), 1: Output(0)}, 0, signature, signature, {}, {})


def _best(schedule: Schedule) -> float:
    """Seconds of the fastest of a few calls."""
    from .executable import Executable

    run = Executable(schedule)
    array = np.full(schedule.inputs[0][1], 0.5, np.float32)
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        run(array)
        times.append(time.perf_counter() - start)
    return min(times)
