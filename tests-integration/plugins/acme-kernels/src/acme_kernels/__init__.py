"""What the entry point names. It is light: kernels are imported when they are first used."""

from dovetail_protocols.kernels import KernelSpec

from .operations import signed_power

FLOATS = frozenset({"float32", "float64"})


class AcmeKernels:
    """One kernel for a known operation, one for a new operation."""

    protocol = (1, 0)

    def kernels(self):
        return (
            KernelSpec(
                id="matmul_einsum",
                operation="dovetail::matmul",
                implementation="acme_kernels.matmul:matmul",
                dtypes={"T": frozenset({"float32"})},
                priority=60,
            ),
            KernelSpec(
                id="signed_power",
                operation="acme::signed_power",
                implementation="acme_kernels.signed_power:signed_power",
                dtypes={"T": FLOATS},
            ),
        )

    def operations(self):
        return (signed_power,)

    def probe(self):
        return None


PACKAGE = AcmeKernels()
