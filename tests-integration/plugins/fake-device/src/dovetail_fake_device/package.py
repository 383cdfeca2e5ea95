"""What the entry point of the kernels names: which operations the device computes. The rest is decomposed."""

from dovetail_protocols.kernels import KernelSpec

FLOATS = ("float32", "float64")
INTEGERS = ("int32", "int64", "uint32", "uint64")
SIGNED = ("float32", "float64", "int32", "int64")
ALL = ("bool", *INTEGERS, *FLOATS)

DECLARED = {
    "elementwise": {
        **dict.fromkeys(("add", "subtract", "multiply", "maximum", "minimum"), (*INTEGERS, *FLOATS)),
        **dict.fromkeys(("less", "less_equal", "greater", "greater_equal"), (*INTEGERS, *FLOATS)),
        **dict.fromkeys(("equal", "not_equal"), ALL),
        **dict.fromkeys(("negative", "abs"), SIGNED),
        **dict.fromkeys(("divide", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh"), FLOATS),
        **dict.fromkeys(("logical_and", "logical_or", "logical_not"), ("bool",)),
        **dict.fromkeys(("bitwise_and", "bitwise_right_shift"), INTEGERS),
        **dict.fromkeys(("where", "stop_gradient"), ALL),
        "cast": ALL,
    },
    "reductions": {"sum": (*INTEGERS, *FLOATS), "max": (*INTEGERS, *FLOATS), "argmax": (*INTEGERS, *FLOATS)},
    "movement": dict.fromkeys(
        ("concat", "take", "take_along_axis", "reshape", "permute_dims", "broadcast_to", "slice"), ALL
    ),
    "creation": {"full": None, "arange": None, "random_bits": None},
    "products": {"matmul": FLOATS},
}
"""Module of the implementation → operation → dtypes of its type variable T (None where it has none)."""


class FakeKernels:
    """Kernels for kind "fake"."""

    protocol = (1, 0)

    def kernels(self):
        return [
            KernelSpec(
                id=name,
                operation=f"dovetail::{name}",
                implementation=f"dovetail_fake_device.{module}:{name}",
                dtypes={} if dtypes is None else {"B" if name.startswith("logical") else "T": frozenset(dtypes)},
                device="fake",
            )
            for module, operations in DECLARED.items()
            for name, dtypes in operations.items()
        ]

    def operations(self):
        return ()

    def probe(self):
        return None


PACKAGE = FakeKernels()
