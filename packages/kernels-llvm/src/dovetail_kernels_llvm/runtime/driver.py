"""The native driver: its machine code, and what that needs to know of the process."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from . import call, interpreter, worker
from .engine import compile_kernels
from .object_layout import array_fields
from .structures import Host

_METH_FASTCALL = 0x80
"""Source: Python/C API reference, "Common Object Structures": flags of PyMethodDef."""


class _MethodDefinition(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("documentation", ctypes.c_char_p),
    )


class Driver:
    """The driver's functions. `host`: the address of the table of functions that contexts and pools point to;
    `interpret` and `work`: functions of ctypes that drop the interpreter lock."""

    def __init__(self) -> None:
        fields = array_fields()
        texts = [interpreter.interpreter(), worker.worker(), *([call.call(fields)] if fields else [])]
        addresses, self._code = compile_kernels(texts)
        interpret = addresses[texts[0]]
        self._host = np.zeros(Host.SIZE, np.int64)
        self._host[: len(Host.NAMES)] = [_address(name) for name in Host.NAMES]
        self._host[Host.NONE], self._host[Host.ARRAY_TYPE] = id(None), id(np.ndarray)
        self._host[Host.CLOCK] = getattr(time, "CLOCK_MONOTONIC", 0)
        self._host[Host.INTERPRET] = interpret
        self.host = int(self._host.ctypes.data)
        self.interpret = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(interpret)
        self.work = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(addresses[texts[1]])
        self._definition = None
        if fields:
            self._definition = _MethodDefinition(b"call", addresses[texts[2]], _METH_FASTCALL, None)

    @property
    def has_quick_call(self) -> bool:
        """Whether native code knows how to read this Python's arrays."""
        return self._definition is not None

    def quick_call(self, root: np.ndarray[Any, Any]) -> Callable[..., Any]:
        """A built-in function of the inputs, for the contexts whose first address is in `root` (call.py). It keeps
        `root` alive, not the contexts."""
        create = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
        new = create(("PyCFunction_NewEx", ctypes.pythonapi))
        made: Callable[..., Any] = new(ctypes.addressof(self._definition), root, None)  # type: ignore[arg-type] # there
        return made


def _address(name: str) -> int:
    """The address of a function of the process; 0 where there is none of that name."""
    for library in (ctypes.pythonapi, process_symbols()):
        try:
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
        except AttributeError:
            continue
    return 0


@cache
def process_symbols() -> Any:
    """The process's own symbols, with those of libc and pthread where they are among them."""
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no such thing
        return None


def has_threads() -> bool:
    """Whether this system offers what workers need: POSIX threads, found in the process. Where not, the calling thread
    does all work alone."""
    return all(_address(name) for name in Host.NAMES if name.startswith("pthread")) and bool(_address("clock_gettime"))


@cache
def driver() -> Driver:
    """The driver of this process, compiled at the first call."""
    return Driver()
