"""The plain way to run launches, one task after the other, for tests of kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..codegen.types import size_bytes
from ..kernels.kernel import Launch, Moving, View
from .engine import compile_kernels

FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)


def run(launches: Sequence[Launch], buffers: Mapping[int, Any]) -> None:
    """Runs launches in their order on NumPy arrays, by number of buffer."""
    addresses, alive = compile_kernels([launch.kernel.text for launch in launches])
    for launch in launches:
        function = FUNCTION(addresses[launch.kernel.text])
        words = [_word(argument, buffers) for argument in launch.arguments]
        arguments = (ctypes.c_int64 * max(len(words), 1))(*words)
        scratch = np.zeros(launch.kernel.scratch_bytes + 128, np.uint8)
        start = scratch.ctypes.data + -scratch.ctypes.data % 64
        for task in range(launch.tasks):
            function(ctypes.addressof(arguments), task, start)
    del alive


def _word(argument: View | Moving | int, buffers: Mapping[int, Any]) -> int:
    if isinstance(argument, Moving):
        argument = argument.start  # as in the first rounds of the loops around
    if not isinstance(argument, View):
        return argument
    address: int = buffers[argument.buffer].ctypes.data
    return address + argument.offset * size_bytes(argument.dtype)
