"""What the entry point names. It is light: the library is loaded by implementations, when they are first used."""

from dovetail_protocols.kernels import KernelSpec

FLOATS = frozenset({"float32", "float64"})


def _spec(name, **dtypes):
    return KernelSpec(
        id=name,
        operation=f"dovetail::{name}",
        implementation=f"dovetail_kernels_c.kernels:{name}",
        dtypes={"T": FLOATS, **dtypes},
        layouts=frozenset({"contiguous"}),
        priority=35,
    )


SPECS = (_spec("relu"), _spec("softmax"), _spec("sum"), _spec("layer_normalization", S=FLOATS))


class CKernels:
    """Kernels in C: loops over contiguous rows."""

    protocol = (1, 0)

    def kernels(self):
        return SPECS

    def operations(self):
        return ()

    def probe(self):
        return None


PACKAGE = CKernels()
