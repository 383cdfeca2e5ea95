"""What an instruction set offers to those who write kernels: nothing else names AVX-512, AVX2, NEON or SSE2."""

from __future__ import annotations

import os
from functools import cache

from dovetail_protocols.records import record

VARIABLE = "DOVETAIL_ISA"
"""Names an instruction set below the machine's own ("avx2", "sse2"), for tests and comparisons."""


@record
class ISA:
    """An instruction set.

    `vector_bytes`: the width of a register; `registers`: how many vectors it holds; `masked`: whether loads and stores
    of 32- and 64-bit lanes can be masked in hardware; `fma`: whether multiply-add is one instruction; `cpu` and
    `features` are what LLVM is told; `old`: whether rounding to whole numbers and conversions of float16 are no
    instructions either (LLVM would call a library).
    """

    name: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int
    masked: bool
    fma: bool
    gathers: bool
    old: bool = False

    def lanes(self, size_bytes: int = 4) -> int:
        """How many elements of a size a register holds."""
        return self.vector_bytes // size_bytes


@cache
def isa() -> ISA:
    """The instruction set that kernels are written for: the machine's best, or what DOVETAIL_ISA names.

    Raises: ValueError for a name that the machine doesn't have.
    """
    return choose(os.environ.get(VARIABLE))


def choose(name: str | None = None) -> ISA:
    """The machine's best instruction set, or the one of that name.

    Raises: ValueError where the machine doesn't have it.
    """
    import llvmlite.binding as llvm

    cpu = llvm.get_host_cpu_name()
    host = {feature for feature, there in llvm.get_host_cpu_features().items() if there}
    offered = [one for one in _all(cpu, host) if one is not None]
    if name is None:
        return offered[0]
    found = next((one for one in offered if one.name == name), None)
    if found is None:
        names = ", ".join(one.name for one in offered)
        raise ValueError(f"{VARIABLE}={name!r}: this machine has no such instruction set; it has {names}")
    return found


def _all(cpu: str, host: set[str]) -> list[ISA | None]:
    """Best first."""
    import llvmlite.binding as llvm

    machine = llvm.get_process_triple().partition("-")[0]
    if machine in ("aarch64", "arm64"):
        return [ISA("neon", cpu, _listed(host), 16, 32, masked=False, fma=True, gathers=False)]
    if machine not in ("x86_64", "amd64"):
        return [ISA("generic", cpu, _listed(host), 16, 16, masked=False, fma=False, gathers=False, old=True)]
    avx512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
    narrow = {feature for feature in host if not feature.startswith(("avx512", "avx10", "evex512", "amx"))}
    oldest = {"sse", "sse2", "cx8", "cmov", "fxsr", "mmx", "64bit"}
    return [
        ISA("avx512", cpu, _listed(host), 64, 32, masked=True, fma=True, gathers=True) if avx512 <= host else None,
        ISA("avx2", "x86-64-v3", _listed(narrow), 32, 16, masked=True, fma=True, gathers=True)
        if {"avx2", "fma", "f16c"} <= host
        else None,
        ISA("sse2", "x86-64", _listed(oldest & host), 16, 16, masked=False, fma=False, gathers=False, old=True),
    ]


def _listed(features: set[str]) -> str:
    return ",".join(f"+{feature}" for feature in sorted(features))
