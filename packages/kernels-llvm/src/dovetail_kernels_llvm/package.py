"""What the entry point of kernels names."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.kernels import KernelSpec, Unsupported
from dovetail_protocols.operation import Operation


class LlvmKernels:
    """Single operations, compiled where that beats NumPy."""

    protocol = (1, 0)

    def kernels(self) -> Sequence[KernelSpec]:
        return ()

    def operations(self) -> Sequence[Operation]:
        return ()

    def probe(self) -> Unsupported | None:
        return None


PACKAGE = LlvmKernels()
