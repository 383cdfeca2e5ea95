"""The plain way to run launches, one task after the other, for tests of kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..codegen.types import size_bytes
from ..kernels.kernel import Launch, View
from .engine import compile_kernels

FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)


def run(launches: Sequence[Launch], buffers: Mapping[int, Any]) -> None:
    """Runs launches in their order on NumPy arrays, by number of buffer."""
    addresses, alive = compile_kernels([launch.kernel.text for launch in launches])
    for launch in launches:
        function = FUNCTION(addresses[launch.kernel.text])
        words = [
            buffers[one.buffer].ctypes.data + one.offset * size_bytes(one.dtype) if isinstance(one, View) else one
            for one in launch.arguments
        ]
        arguments = (ctypes.c_int64 * max(len(words), 1))(*words)
        scratch = np.zeros(launch.kernel.scratch_bytes + 128, np.uint8)
        start = scratch.ctypes.data + -scratch.ctypes.data % 64
        for task in range(launch.tasks):
            function(ctypes.addressof(arguments), task, start)
    del alive
