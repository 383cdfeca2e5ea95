"""What the entry point names: the package of reference kernels."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.kernels import KernelSpec, Unsupported
from dovetail_protocols.operation import Operation

from . import (  # noqa: F401 - importing declares the kernels
    activations,
    arithmetic,
    attention,
    contractions,
    convolution,
    creation,
    cumulative,
    embedding,
    indexing,
    joining,
    linear_algebra,
    losses,
    manipulation,
    normalization,
    optimizer_updates,
    pooling,
    printing,
    random,
    reductions,
    searching,
    sets,
    slicing,
    sorting,
    special,
    statistics,
    tiling,
    type_conversion,
    ufuncs,
)
from .declaration import SPECS


class NumpyKernels:
    """Kernels on NumPy arrays, for every operation: the reference, and the default where nothing is faster."""

    protocol = (1, 0)

    def kernels(self) -> Sequence[KernelSpec]:
        return tuple(SPECS)

    def operations(self) -> Sequence[Operation]:
        return ()

    def probe(self) -> Unsupported | None:
        return None


PACKAGE = NumpyKernels()
