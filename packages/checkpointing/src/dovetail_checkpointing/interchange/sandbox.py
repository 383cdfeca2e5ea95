"""What the process that reads foreign files gives up before it opens one.

The operating system bounds its memory, time and files. It opens no network connection and starts no program:
on Linux on x86-64 and 64-bit ARM the kernel refuses it (seccomp), elsewhere Python does, which stops Python code but
not a fault in a library.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import Any

from .limits import ForeignLimits

_REFUSED_EVENTS = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile")
_UNPICKLING = "pickle.find_class"

# Linux's numbers of socket, connect, execve, execveat, ptrace, process_vm_writev and io_uring_setup.
_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 59, 322, 101, 311, 425)),
    "aarch64": (0xC00000B7, (198, 203, 221, 281, 117, 271, 425)),
}
_OTHER_ABI = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2


def enter(limits: ForeignLimits, *, allow_code_execution: bool) -> None:
    """Gives up what reading doesn't need, for the rest of this process's life."""
    _limit_resources(limits)
    _refuse_calls()
    refused = _REFUSED_EVENTS if allow_code_execution else (*_REFUSED_EVENTS, _UNPICKLING)

    def hook(event: str, _: tuple[Any, ...]) -> None:
        if event.startswith(refused):
            raise PermissionError(f"a process that reads foreign files doesn't do this: {event}")

    sys.addaudithook(hook)


def _limit_resources(limits: ForeignLimits) -> None:
    if os.name != "posix":
        return  # Windows has no such limits for a process itself
    import resource

    wanted = {
        resource.RLIMIT_CPU: limits.seconds,
        resource.RLIMIT_FSIZE: limits.total_bytes + (1 << 30),
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":  # macOS doesn't keep to it
        wanted[resource.RLIMIT_AS] = limits.memory_bytes
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def _refuse_calls() -> None:
    """Has the kernel refuse the calls above with EPERM. Where it doesn't know how, the audit hook has to do."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return
    architecture, calls = _CALLS[platform.machine()]
    count = len(calls)
    program = [
        (_LOAD, 0, 0, 4),  # the architecture
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # the number of the call
        (_AT_LEAST, count + 1, 0, _OTHER_ABI),
        *((_EQUAL, count - place, 0, call) for place, call in enumerate(calls)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    library.prctl(_SECCOMP, _FILTER, ctypes.c_void_p(ctypes.addressof(header)), 0, 0)
