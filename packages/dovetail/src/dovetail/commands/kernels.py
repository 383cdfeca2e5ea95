"""List kernel packages, or the kernels of one."""

from __future__ import annotations

import argparse

from dovetail_protocols import selection

from .. import kernels
from .table import table


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", nargs="?", help="a kernel package, to see its kernels")


def run(options: argparse.Namespace) -> int:
    if options.package is None:
        print(table(("kernel package", "what it offers"), list(kernels.list().items())))
        return 0
    rows = []
    for spec in selection.require_package(options.package).specs:
        dtypes = "; ".join(f"{variable}: {' '.join(sorted(names))}" for variable, names in spec.dtypes.items())
        rows.append((spec.id, spec.operation, spec.device, dtypes or "all", str(spec.priority)))
    print(table(("kernel", "operation", "device", "dtypes", "priority"), rows))
    return 0
