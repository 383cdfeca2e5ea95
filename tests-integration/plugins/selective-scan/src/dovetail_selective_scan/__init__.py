"""What the entry point names, and the operations: `from dovetail_selective_scan import selective_scan`."""

from dovetail_protocols.kernels import KernelSpec

from . import derivatives as _derivatives  # noqa: F401 - importing it declares the rules
from .recurrence import linear_recurrence
from .selective import selective_scan

__all__ = ["PACKAGE", "linear_recurrence", "selective_scan"]

FLOATS = frozenset({"float32", "float64"})


def _spec(name):
    return KernelSpec(
        id=name,
        operation=f"ssm::{name}",
        implementation=f"dovetail_selective_scan.kernels:{name}",
        dtypes={"T": FLOATS},
    )


class SelectiveScan:
    """Two operations, with a kernel for each."""

    protocol = (1, 0)

    def kernels(self):
        return (_spec("linear_recurrence"), _spec("selective_scan"))

    def operations(self):
        return (linear_recurrence, selective_scan)

    def probe(self):
        return None


PACKAGE = SelectiveScan()
