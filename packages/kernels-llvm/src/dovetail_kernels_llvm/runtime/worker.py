"""The driver's function that a worker runs until it is told to stop: `void KERNEL(ptr pool, i64 thread)`.

How stages are shared is told in interpreter.py.
"""

from __future__ import annotations

from ..codegen.builder import Value
from .interpreter import run_numbered, sequence_of, task_of
from .routine import Routine
from .structures import Context, Pool
from .tasks import NULL, give_way, host_function, now, pause

PAUSES = 16
"""Pauses between two looks at the clock."""
PATIENCE_NANOSECONDS = 10_000
"""How long a worker looks for work before it begins to give way to other threads."""


def worker() -> str:
    """The text of the function."""
    return _Worker().text()


class _Worker:
    def __init__(self) -> None:
        self.r = r = Routine("void", pool="ptr", thread="i64")
        self.pool, self.thread = r.parameter("pool"), r.parameter("thread")
        self.host = r.read_pointer(self.pool, Pool.HOST)
        self.exhausted = r.variable(r.index(0))
        """The LIMIT of a stage that had no task left when it was looked at last."""
        self.sequence = r.variable(r.index(-1))
        """The stage that `launch` belongs to."""
        self.launch = r.variable(NULL)
        self.idle_since = r.variable(r.index(0))
        """When looking for work began; 0: not yet."""

    def text(self) -> str:
        r, pool = self.r, self.pool
        r.at("look")
        stop = r.read_atomic(pool, Pool.STOP, "monotonic")
        with r.unlikely(r.compare("ne", stop, r.index(0))):
            r.give()
        limit = r.read_atomic(pool, Pool.LIMIT, "acquire")
        with r.when(r.compare("eq", limit, self.exhausted.get())):
            r.go_to("idle")
        ticket = r.read_atomic(pool, Pool.TICKET, "monotonic")
        with r.when(r.compare("eq", sequence_of(r, ticket), sequence_of(r, limit))):
            with r.when(r.compare("ult", ticket, limit)):
                self._take()
                r.go_to("look")
            self.exhausted.set(limit)
        r.go_to("look")
        r.at("idle")
        self._idle(limit)
        r.go_to("look")
        return r.text()

    def _take(self) -> None:
        """Takes a ticket and runs its task."""
        r, pool = self.r, self.pool
        ticket = r.add_atomic(pool, Pool.TICKET, 1, "acq_rel")
        limit = r.read_atomic(pool, Pool.LIMIT, "acquire")
        sequence = sequence_of(r, ticket)
        same = r.compare("eq", sequence, sequence_of(r, limit))
        with r.when(r.operate("and", same, r.compare("ult", ticket, limit))):
            context = r.read_pointer(pool, Pool.CONTEXT)
            with r.when(r.compare("ne", sequence, self.sequence.get())):
                self.sequence.set(sequence)
                self.launch.set(r.read_pointer(pool, Pool.LAUNCHES))
            offset = r.mul(self.thread, r.read(context, Context.STRIDE))
            scratch = r.offset(r.read_pointer(context, Context.SCRATCH), offset, "i8")
            profile = r.read_pointer(context, Context.PROFILE)
            run_numbered(r, self.host, self.launch, task_of(r, ticket), scratch, profile, self.thread)
            r.add_atomic(pool, Pool.DONE, 1, "release")
            self.idle_since.set(r.index(0))

    def _idle(self, limit: Value) -> None:
        """Waits a little; sleeps after a while. `limit`: the LIMIT that has nothing left to do."""
        r = self.r
        with r.loop(0, PAUSES):
            pause(r)
            changed = r.compare("ne", r.read_atomic(self.pool, Pool.LIMIT, "monotonic"), limit)
            with r.when(changed):
                r.go_to("look")
        time = now(r, self.host)
        with r.when(r.compare("eq", self.idle_since.get(), r.index(0))):
            self.idle_since.set(time)
        idle = r.sub(time, self.idle_since.get())
        with r.when(r.compare("sgt", idle, r.index(PATIENCE_NANOSECONDS))):
            give_way(r, self.host)
        with r.when(r.compare("sgt", idle, r.read(self.pool, Pool.SPIN_NANOSECONDS))):
            self._sleep(limit)
            self.idle_since.set(r.index(0))

    def _sleep(self, limit: Value) -> None:
        """Waits for WAKE to change. SLEEPERS is raised before LIMIT is looked at again, and the caller sets LIMIT
        before it looks at SLEEPERS, so that one of both sees the other."""
        r, pool = self.r, self.pool
        mutex, condition = r.read_pointer(pool, Pool.MUTEX), r.read_pointer(pool, Pool.CONDITION)
        r.call(host_function(r, self.host, "pthread_mutex_lock"), "i32", mutex)
        r.add_atomic(pool, Pool.SLEEPERS, 1, "seq_cst")
        same = r.compare("eq", r.read_atomic(pool, Pool.LIMIT, "seq_cst"), limit)
        epoch = r.read_atomic(pool, Pool.WAKE, "monotonic")
        awake = r.variable(r.negate(same))
        with r.when(awake.get()):
            r.add_atomic(pool, Pool.SLEEPERS, -1, "seq_cst")
        with r.forever() as loop:
            stop = r.compare("ne", r.read_atomic(pool, Pool.STOP, "seq_cst"), r.index(0))
            woken = r.compare("ne", r.read_atomic(pool, Pool.WAKE, "monotonic"), epoch)
            loop.leave_if(r.operate("or", r.operate("or", stop, woken), awake.get()))
            r.call(host_function(r, self.host, "pthread_cond_wait"), "i32", condition, mutex)
        r.call(host_function(r, self.host, "pthread_mutex_unlock"), "i32", mutex)
