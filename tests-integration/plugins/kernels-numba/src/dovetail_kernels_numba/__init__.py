"""What the entry point names. It is light: Numba is imported by implementations, when they are first used."""

from importlib.util import find_spec

from dovetail_protocols.kernels import KernelSpec, Unsupported

FLOATS = frozenset({"float32", "float64"})


def _spec(name, module, layout, binding, **dtypes):
    return KernelSpec(
        id=name,
        operation=f"dovetail::{name}",
        implementation=f"dovetail_kernels_numba.{module}:{name}",
        dtypes={"T": FLOATS, **dtypes},
        layouts=frozenset({layout}),
        binding=binding,
        priority=30,
    )


SPECS = (
    _spec("sigmoid", "elementwise", "strided", "per_dtype"),
    _spec("gelu", "elementwise", "strided", "per_dtype"),
    _spec("softmax", "lines", "contiguous", "per_dtype"),
    _spec("logsumexp", "lines", "contiguous", "per_shape"),
    _spec("cumulative_sum", "lines", "strided", "per_dtype"),
    _spec("layer_normalization", "layers", "contiguous", "per_shape", S=FLOATS),
)


class NumbaKernels:
    """Kernels compiled by Numba, per dtype, when a call is bound."""

    protocol = (1, 0)

    def kernels(self):
        return SPECS

    def operations(self):
        return ()

    def probe(self):
        if find_spec("numba") is None:
            return Unsupported("Numba isn't installed; fix: pip install numba")
        return None


PACKAGE = NumbaKernels()
