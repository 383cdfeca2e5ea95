"""Pieces of the driver that several of its functions hold: the clock, waiting, and running one task."""

from __future__ import annotations

from ..codegen.builder import Value
from .routine import Routine
from .structures import Event, Host, LaunchEntry, Profile

NULL = Value("null", "ptr")
_PAUSES = {
    "x86_64": "void @llvm.x86.sse2.pause()",
    "amd64": "void @llvm.x86.sse2.pause()",
    "aarch64": "void @llvm.aarch64.hint(i32 1)",
    "arm64": "void @llvm.aarch64.hint(i32 1)",
}


def host_function(r: Routine, host: Value, name: str) -> Value:
    """The address of a function of the process."""
    return r.read_pointer(host, Host.NAMES.index(name))


def pause(r: Routine) -> None:
    """Tells the processor that a loop waits for another thread."""
    import llvmlite.binding as llvm

    text = _PAUSES.get(llvm.get_process_triple().partition("-")[0])
    if text is not None:
        r.declare(f"declare {text.replace('i32 1', 'i32')}")
        r.statement(f"call {text}")


def give_way(r: Routine, host: Value) -> None:
    """Lets another thread have the processor, where one waits for it."""
    function = host_function(r, host, "sched_yield")
    with r.when(r.negate(r.is_null(function))):
        r.call(function, "i32")


def now(r: Routine, host: Value) -> Value:
    """Nanoseconds of the monotonic clock; 0 on systems that don't have it."""
    function = host_function(r, host, "clock_gettime")
    result = r.variable(r.index(0))
    with r.when(r.negate(r.is_null(function))):
        seconds = r.array("i64", 2)
        clock = r.convert("trunc", r.read(host, Host.CLOCK), "i32")
        r.call(function, "i32", clock, seconds)
        result.set(r.add(r.mul(r.read(seconds, 0), r.index(10**9)), r.read(seconds, 1)))
    return result.get()


def run_task(
    r: Routine, host: Value, launch: Value, task: Value, scratch: Value, profile: Value, thread: Value
) -> None:
    """Runs a task of a launch, and records it in the profile where there is one. `task` counts from the launch's
    first."""
    function = r.read_pointer(launch, LaunchEntry.FUNCTION)
    arguments = r.read_pointer(launch, LaunchEntry.ARGUMENTS)
    recording = r.negate(r.is_null(profile))
    start = r.variable(r.index(0))
    with r.unlikely(recording):
        start.set(now(r, host))
    r.call(function, "void", arguments, task, scratch)
    with r.unlikely(recording):
        place = r.add_atomic(profile, Profile.NEXT, 1, "monotonic")
        with r.when(r.compare("slt", place, r.read(profile, Profile.CAPACITY))):
            first = r.place(profile, Profile.FIRST)
            event = r.offset(first, r.mul(place, r.index(Event.SIZE)), "i64")
            r.write(event, Event.NUMBER, r.read(launch, LaunchEntry.NUMBER))
            r.write(event, Event.THREAD, thread)
            r.write(event, Event.START, start.get())
            r.write(event, Event.END, now(r, host))
