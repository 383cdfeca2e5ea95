"""The driver's function that runs a program: `void KERNEL(ptr context, ptr pool)`, on the calling thread and, where the
pool has workers that nobody else uses, on those.

How a stage is shared: the caller writes the stage's launches into the pool, then LIMIT, then TICKET. Every thread
takes tasks by adding 1 to TICKET. A thread that was stopped between reading LIMIT and taking a ticket may get one of
a later stage, which is as good; one that took a ticket looks at LIMIT again, since only a task below it, of the same
sequence number, is its own. So nobody waits for a thread that has no task in hand: workers that sleep, or come late,
delay nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..codegen.builder import Value, Variable
from .routine import Routine
from .structures import Context, Instruction, LaunchEntry, Move, Pool
from .tasks import NULL, give_way, host_function, now, pause, run_task

PATIENCE = 1000
"""Pauses of the calling thread before it begins to give way: about 20 to 50 µs."""
LOOP_NANOSECONDS = 25_000
"""Calls that begin within this of each other are taken for a loop."""
FEW_WORKERS = 7
"""So many may look for tasks of brief calls: more would be in each other's way."""


def interpreter() -> str:
    """The text of the function."""
    return _Interpreter().text()


def task_of(r: Routine, ticket: Value) -> Value:
    """The task that a ticket is for."""
    return r.operate("and", ticket, r.index((1 << Pool.TASK_BITS) - 1))


def sequence_of(r: Routine, ticket: Value) -> Value:
    """The sequence number of the stage that a ticket belongs to."""
    return r.operate("lshr", ticket, r.index(Pool.TASK_BITS))


class _Interpreter:
    def __init__(self) -> None:
        self.r = r = Routine("void", context="ptr", pool="ptr")
        self.context = r.parameter("context")
        self.host = r.read_pointer(self.context, Context.HOST)
        self.scratch = r.read_pointer(self.context, Context.SCRATCH)
        self.profile = r.read_pointer(self.context, Context.PROFILE)
        self.pool = r.variable(NULL)
        self.counter = r.variable(r.read_pointer(self.context, Context.CODE))

    def text(self) -> str:
        r = self.r
        operations: dict[int, Callable[[], None]] = {
            Instruction.SERIAL: self._serial,
            Instruction.PARALLEL: self._parallel,
            Instruction.AGAIN: self._again,
            Instruction.JUMP: self._jump,
            Instruction.UNLESS: self._unless,
            Instruction.RESET: self._reset,
            Instruction.COUNT: self._count,
            Instruction.END: self._end,
        }
        self._take_workers()
        r.at("fetch")
        operation = r.read(self.counter.get(), Instruction.OPERATION)
        r.choose(operation, {number: f"operation{number}" for number in operations}, "operation7")
        for number, write in operations.items():
            r.at(f"operation{number}")
            write()
            r.go_to("next")
        r.at("next")
        self.counter.set(r.place(self.counter.get(), Instruction.SIZE))
        r.go_to("fetch")
        return r.text()

    def _operand(self, place: int) -> Value:
        return self.r.read(self.counter.get(), place)

    def _address(self, place: int) -> Value:
        return self.r.read_pointer(self.counter.get(), place)

    def _go_to_operand(self) -> None:
        self.counter.set(self._address(Instruction.C))
        self.r.go_to("fetch")

    # ------------------------------------------------------------------ launches

    def _serial(self) -> None:
        r = self.r
        end = self._address(Instruction.B)
        with walk(r, self._address(Instruction.A), end, LaunchEntry.SIZE) as launch:
            tasks = r.sub(r.read(launch, LaunchEntry.END), r.read(launch, LaunchEntry.FIRST))
            with r.loop(0, tasks) as task:
                run_task(r, self.host, launch, task, self.scratch, self.profile, r.index(0))

    def _take_workers(self) -> None:
        r, given = self.r, self.r.parameter("pool")
        with r.when(r.negate(r.is_null(given))):
            wanted = r.compare("ne", r.read(self.context, Context.PARALLEL), r.index(0))
            there = r.compare("ne", r.read(given, Pool.WORKERS), r.index(0))
            with r.when(r.operate("and", wanted, there)):
                self._stay_alone_if_brief(given)
                with r.when(r.seize(given, Pool.BUSY)):
                    self.pool.set(given)
                    self._wake(given)

    def _stay_alone_if_brief(self, pool: Value) -> None:
        """A brief call uses workers that are awake. It wakes them only in a loop of calls, where the next ones gain."""
        r = self.r
        with r.when(r.compare("eq", r.read(self.context, Context.PARALLEL), r.index(Context.IF_AWAKE))):
            with r.when(r.compare("sgt", r.read(pool, Pool.WORKERS), r.index(FEW_WORKERS))):
                r.go_to("fetch")
            with r.when(r.compare("ne", r.read_atomic(pool, Pool.SLEEPERS, "monotonic"), r.index(0))):
                time = now(r, self.host)
                since = r.sub(time, r.read_atomic(pool, Pool.BRIEF, "monotonic"))
                r.write_atomic(pool, Pool.BRIEF, time, "monotonic")
                with r.when(r.compare("sgt", since, r.index(LOOP_NANOSECONDS))):
                    r.go_to("fetch")

    def _wake(self, pool: Value) -> None:
        r = self.r
        sleepers = r.read_atomic(pool, Pool.SLEEPERS, "seq_cst")
        with r.unlikely(r.compare("ne", sleepers, r.index(0))):
            wake(r, self.host, pool)

    def _parallel(self) -> None:
        r = self.r
        pool = self.pool.get()
        with r.when(r.is_null(pool)):
            r.go_to(f"operation{Instruction.SERIAL}")
        first, tasks = self._address(Instruction.A), self._operand(Instruction.C)
        sequence = r.add(r.read(pool, Pool.SEQUENCE), r.index(1))
        ticket = r.operate("shl", sequence, r.index(Pool.TASK_BITS))
        r.write(pool, Pool.SEQUENCE, sequence)
        r.write(pool, Pool.CONTEXT, Value(self.context.text, "ptr"))
        r.write(pool, Pool.LAUNCHES, first)
        r.write_atomic(pool, Pool.DONE, r.index(0), "monotonic")
        r.write_atomic(pool, Pool.LIMIT, r.operate("or", ticket, tasks), "seq_cst")
        r.write_atomic(pool, Pool.TICKET, ticket, "release")
        self._wake(pool)
        own, launch = r.variable(r.index(0)), r.variable(first)
        with r.forever() as loop:
            number = task_of(r, r.add_atomic(pool, Pool.TICKET, 1, "acq_rel"))
            loop.leave_if(r.compare("sge", number, tasks))
            run_numbered(r, self.host, launch, number, self.scratch, self.profile, r.index(0))
            own.set(r.add(own.get(), r.index(1)))
        self._wait(pool, r.sub(tasks, own.get()))

    def _wait(self, pool: Value, others: Value) -> None:
        """Returns when so many tasks were done by others."""
        r = self.r
        pauses = r.variable(r.index(0))
        with r.forever() as loop:
            loop.leave_if(r.compare("eq", r.read_atomic(pool, Pool.DONE, "acquire"), others))
            pause(r)
            pauses.set(r.add(pauses.get(), r.index(1)))
            with r.when(r.compare("sgt", pauses.get(), r.index(PATIENCE))):
                pauses.set(r.index(PATIENCE - 16))
                give_way(r, self.host)

    # ------------------------------------------------------------------ control

    def _again(self) -> None:
        r = self.r
        count = self._operand(Instruction.B)
        done = r.add(self._operand(Instruction.A), r.index(1))
        more = r.compare("slt", done, count)
        back = r.sub(r.index(1), count)
        times = r.select(more, r.index(1), back)
        with walk(r, self._address(Instruction.D), self._address(Instruction.E), Move.SIZE) as move:
            word = r.read_pointer(move, Move.WORD)
            r.write(word, 0, r.add(r.read(word, 0), r.mul(times, r.read(move, Move.STEP))))
        r.write(self.counter.get(), Instruction.A, r.select(more, done, r.index(0)))
        with r.when(more):
            self._go_to_operand()

    def _jump(self) -> None:
        self._go_to_operand()

    def _unless(self) -> None:
        r = self.r
        holds = r.load("i8", r.read_pointer(self._address(Instruction.A), 0))
        with r.when(r.compare("eq", holds, r.constant("i8", 0))):
            self._go_to_operand()

    def _reset(self) -> None:
        self.r.write(self._address(Instruction.A), 0, self.r.index(0))

    def _count(self) -> None:
        r = self.r
        word = self._address(Instruction.A)
        done = r.read(word, 0)
        with r.when(r.compare("sge", done, self._operand(Instruction.B))):
            self._go_to_operand()
        r.write(word, 0, r.add(done, r.index(1)))

    def _end(self) -> None:
        r = self.r
        pool = self.pool.get()
        with r.when(r.negate(r.is_null(pool))):
            r.write_atomic(pool, Pool.BUSY, r.index(0), "release")
        r.give()


def wake(r: Routine, host: Value, pool: Value) -> None:
    """Wakes all workers that sleep."""
    mutex, condition = r.read_pointer(pool, Pool.MUTEX), r.read_pointer(pool, Pool.CONDITION)
    r.call(host_function(r, host, "pthread_mutex_lock"), "i32", mutex)
    r.add_atomic(pool, Pool.WAKE, 1, "monotonic")
    r.write_atomic(pool, Pool.SLEEPERS, r.index(0), "monotonic")
    r.call(host_function(r, host, "pthread_mutex_unlock"), "i32", mutex)
    r.call(host_function(r, host, "pthread_cond_broadcast"), "i32", condition)


def run_numbered(
    r: Routine, host: Value, launch: Variable, number: Value, scratch: Value, profile: Value, thread: Value
) -> None:
    """Runs the task of a number in its stage. `launch`: one that is not behind the task's; it is moved to the
    task's."""
    with r.forever() as loop:
        loop.leave_if(r.compare("slt", number, r.read(launch.get(), LaunchEntry.END)))
        launch.set(r.place(launch.get(), LaunchEntry.SIZE))
    entry = launch.get()
    task = r.sub(number, r.read(entry, LaunchEntry.FIRST))
    run_task(r, host, entry, task, scratch, profile, thread)


@contextmanager
def walk(r: Routine, first: Value, end: Value, size: int) -> Iterator[Value]:
    """A loop over the entries of a table."""
    place = r.variable(first)
    with r.forever() as loop:
        entry = place.get()
        loop.leave_if(r.instruction(f"icmp eq {entry}, {end.text}", "i1"))
        yield entry
        place.set(r.place(entry, size))
