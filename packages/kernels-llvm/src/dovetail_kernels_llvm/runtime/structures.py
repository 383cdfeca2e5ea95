"""The structures that Python and native code share. Each is a row of 8-byte words; the numbers here are places in
it."""

from __future__ import annotations

LINE = 16
"""Words between what different threads write: two cache lines, as processors fetch them in pairs."""


class Context:
    """What one call at a time works in: a copy of the program, its arena and its scratch memory.

    BUSY: 1 while a call uses it; NEXT: the address of the executable's next context, or 0; CODE: the first instruction;
    HOST: the table of functions (Host); POOL: where the address of the thread pool stands (0: none was started yet);
    PARALLEL: 1 where there is enough work for several threads, IF_AWAKE where there is if they needn't be woken; SLOTS:
    for how many threads it has scratch memory, at SCRATCH, STRIDE bytes each; PROFILE: the buffer of events (Profile),
    or 0; RELEASE: 1 where the interpreter lock is dropped for the call; INPUTS of INPUT_COUNT, OUTPUTS of OUTPUT_COUNT:
    tables.
    """

    BUSY, NEXT, CODE, HOST, POOL, PARALLEL, SLOTS, SCRATCH, STRIDE, PROFILE, RELEASE = range(11)
    INPUTS, INPUT_COUNT, OUTPUTS, OUTPUT_COUNT = range(11, 15)
    SIZE = 16
    IF_AWAKE = 2


class InputEntry:
    """An input: its DTYPE (four bytes that hold the byte order, then NumPy's number of the type), the FLAGS it must
    have, its RANK and the address of its SHAPE; the address that the patches were made for (ADDRESS), and its patches
    from FIRST up to END."""

    DTYPE, FLAGS, RANK, SHAPE, ADDRESS, FIRST, END = range(7)
    SIZE = 7


class OutputEntry:
    """An output: which input it IS, or -1; else the MAKER, a Python object that gives a new array when called; ADDRESS,
    FIRST and END as of an input."""

    IS, MAKER, ADDRESS, FIRST, END = range(5)
    SIZE = 5


class Patch:
    """A word that is an address in an input or output: where the WORD lies, and how many BYTES it is from the start."""

    WORD, BYTES = range(2)
    SIZE = 2


class Move:
    """A word that changes with the iterations of a loop: where the WORD lies, and the STEP it is increased by."""

    WORD, STEP = range(2)
    SIZE = 2


class LaunchEntry:
    """A launch in a stage: the kernel's FUNCTION, its ARGUMENTS, the numbers of its tasks in the stage, from FIRST up
    to END, and a NUMBER by which profiles know it."""

    FUNCTION, ARGUMENTS, FIRST, END, NUMBER = range(5)
    SIZE = 5


class Instruction:
    """An instruction of the program: its OPERATION, and operands A to E.

    SERIAL: runs the launches from A up to B on the calling thread. PARALLEL: runs them, C tasks together, on all
    threads. AGAIN: the end of a loop: adds 1 to its own word A; below B it makes the moves from D up to E and goes to
    C, else it undoes the moves and sets A to 0. JUMP: goes to C. UNLESS: goes to C where the bool is false whose
    address is in the word at A. RESET: sets the word at A to 0. COUNT: goes to C where the word at A is B already,
    else adds 1 to it. END: ends the call."""

    OPERATION, A, B, C, D, E = range(6)
    SIZE = 6
    SERIAL, PARALLEL, AGAIN, JUMP, UNLESS, RESET, COUNT, END = range(8)


class Pool:
    """What the threads share. Words that different threads wait on lie on lines of their own.

    A stage is published as LIMIT = its sequence number · 2^24 + its number of tasks, after CONTEXT and LAUNCHES;
    TICKET = sequence number · 2^24 + the next task, which threads take by adding 1; DONE counts tasks that are done.
    SLEEPERS: how many workers wait on CONDITION (with MUTEX) for WAKE to change; STOP: 1 when they are to return. BUSY:
    1 while a call uses the workers. BRIEF: when the last call came that found them asleep and was too short to wake
    them. SPIN_NANOSECONDS: how long a worker looks for work before it sleeps.
    """

    TASK_BITS = 24
    LIMIT, TICKET, DONE = 0, LINE, 2 * LINE
    CONTEXT, LAUNCHES, SEQUENCE = range(3 * LINE, 3 * LINE + 3)
    SLEEPERS, WAKE, STOP = range(4 * LINE, 4 * LINE + 3)
    BUSY, BRIEF = 5 * LINE, 5 * LINE + 1
    WORKERS, HOST, SPIN_NANOSECONDS, MUTEX, CONDITION = range(6 * LINE, 6 * LINE + 5)
    SIZE = 7 * LINE


class Profile:
    """A buffer of events: the NEXT place, the CAPACITY, then events (Event) from FIRST on."""

    NEXT, CAPACITY = range(2)
    FIRST = LINE


class Event:
    """A task that ran: the launch's NUMBER, the THREAD, and when, in nanoseconds of the monotonic clock."""

    NUMBER, THREAD, START, END = range(4)
    SIZE = 4


class Host:
    """Addresses of functions and objects that native code needs of the process; 0 where there is none."""

    NAMES = (
        *("PyTuple_New", "PyTuple_SetItem", "PyObject_CallNoArgs", "Py_IncRef", "Py_DecRef"),
        *("PyEval_SaveThread", "PyEval_RestoreThread"),
        *("pthread_mutex_lock", "pthread_mutex_unlock", "pthread_cond_wait", "pthread_cond_broadcast"),
        *("sched_yield", "clock_gettime"),
    )
    NONE, ARRAY_TYPE, CLOCK, INTERPRET = range(len(NAMES), len(NAMES) + 4)
    SIZE = len(NAMES) + 4
