"""Kernels of acme for Dovetail.

This module only declares them, so that finding the package costs nothing; an implementation, and
with it Numba, is imported when it is first chosen.
"""

from dovetail_protocols.kernels import KernelSpec, Unsupported

SPECS = (
    KernelSpec(
        id="relu_numba",
        operation="dovetail::relu",
        implementation="acme_kernels.relu_numba:relu",
        dtypes={"T": frozenset({"float32", "float64"})},
        binding="per_dtype",
        priority=50,  # 1 to 100; Dovetail's own reference kernels have 0
    ),
    KernelSpec(
        id="relu_numpy",
        operation="dovetail::relu",
        implementation="acme_kernels.relu_numpy:relu",
        dtypes={"T": frozenset({"int32", "int64"})},
        binding="per_dtype",
        priority=50,
    ),
)


class AcmeKernels:
    protocol = (1, 0)
    """The version of the kernel protocol that this package was built against."""

    def kernels(self):
        return SPECS

    def operations(self):
        """New operations; none, as this package speeds up one that Dovetail has."""
        return ()

    def probe(self) -> Unsupported | None:
        """None where the hardware and libraries are here, else `Unsupported(reason)`."""
        return None


PACKAGE = AcmeKernels()
