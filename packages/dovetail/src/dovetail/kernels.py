"""Kernel packages as users meet them: `dt.kernels.list()`, `use`, `explain`, `refresh`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_protocols import registry, selection
from dovetail_protocols.arrays import meta_of
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins import quarantined, refresh, use

__all__ = ["explain", "list", "refresh", "use"]


def list() -> Mapping[str, str]:
    """Every kernel package found, by name: what it offers, or why it isn't used."""
    found = {name: _summary(package) for name, package in selection.packages().items()}
    for key, message in quarantined().items():
        found.setdefault(key.rpartition(":")[2], f"set aside: {message.splitlines()[0]}")
    return found


def _summary(package: selection.Package) -> str:
    if package.unusable:
        return f"not usable here: {package.unusable}"
    operations = {spec.operation for spec in package.specs}
    return (
        f"{package.plugin.distribution} {package.plugin.version}: {len(package.specs)} kernels for "
        f"{len(operations)} operations"
    )


def explain(operation: str | Operation, *operands: Any, **attributes: Any) -> str:
    """Which kernel a call would use, and why not the others: `explain("matmul", a, b)`.

    Operands are arrays, variables, or anything that converts to an array; nothing is computed.

    Raises: what the call itself would raise for invalid operands, and UnknownOperationError.
    """
    found = registry.find_operation(operation) if isinstance(operation, str) else operation
    bound, complete = found.bind(operands, attributes)
    return selection.explain(found, tuple(meta_of(operand) for operand in bound), complete)
